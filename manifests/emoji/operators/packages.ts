/** A package on an npm registry, pinned to its bytes, and what is wanted of it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the tarball in the form that registries and lock files give: `npm view NAME@VERSION dist.integrity`. */
  readonly integrity: string;
  readonly megabytes: number;
  /** Names of the entries that are used; nothing else in the tarball is ever looked at. */
  readonly wanted: RegExp;
}

/** The drawings, one package a vendor. */
export const drawings = {
  /**
   * Fluent, flat, by Microsoft: SVG (MIT), drawings alone, listed by OpenMoji's list. Microsoft draws no flags of countries:
   * those of this package, 245, were added by its makers, who do not say from where.
   */
  fluent: {
    name: '@lobehub/fluent-emoji-flat',
    version: '1.1.0',
    integrity: 'sha512-lPYCg8+N56MIj+iOgeBeH6AF0tneXxJCvgi41rOTjAWpA5rU2WUcmU1fiIXouEe8GrSTarWCYLY2ML+rdLRHsg==',
    megabytes: 8,
    wanted: /^package\/assets\/[0-9a-f-]+\.svg$/,
  },
  /** Noto by Google: PNG, 64 px (images Apache-2.0, lists MIT). */
  google: {
    name: 'emoji-datasource-google',
    version: '16.0.0',
    integrity: 'sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==',
    megabytes: 74,
    wanted: /^package\/(emoji\.json|img\/google\/64\/[0-9a-f-]+\.png)$/,
  },
  /** OpenMoji: SVG (CC-BY-SA-4.0). */
  openmoji: {
    name: 'openmoji',
    version: '17.0.0',
    integrity: 'sha512-EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w==',
    megabytes: 4,
    wanted: /^package\/(data\/openmoji\.json|color\/svg\/[0-9A-F-]+\.svg)$/,
  },
  /** Twemoji, once by Twitter: PNG, 64 px (images CC-BY-4.0, lists MIT). */
  twitter: {
    name: 'emoji-datasource-twitter',
    version: '16.0.0',
    integrity: 'sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==',
    megabytes: 62,
    wanted: /^package\/(emoji\.json|img\/twitter\/64\/[0-9a-f-]+\.png)$/,
  },
} satisfies Record<string, NpmPackage>;

/** Names and keywords by Unicode CLDR (Unicode-3.0): of single characters, and derived ones of their combinations. */
export const annotations = {
  characters: {
    name: 'cldr-annotations-full',
    version: '48.2.0',
    integrity: 'sha512-DV7A+rEcgUSNTRsVGNGqBZRmAkGfwhGHO5Q1dRwzBoBnVrHWp804JP7/QJdEc66iHmx3+zLWVIMCFLm0lW7PUQ==',
    megabytes: 7,
    wanted: /^package\/annotations\/(en|zh|ja|ar|it|de|es|hi|ru)\/annotations\.json$/,
  },
  combinations: {
    name: 'cldr-annotations-derived-full',
    version: '48.2.0',
    integrity: 'sha512-log62km+AOzI7n/NEuNNFV0mg9DWnt67EYCh1RwxZq9dyRuyteB586LT83Ke8TchEfnwI9cIk2P31zO4nTvZmw==',
    megabytes: 4,
    wanted: /^package\/annotationsDerived\/(en|zh|ja|ar|it|de|es|hi|ru)\/annotations\.json$/,
  },
} satisfies Record<string, NpmPackage>;
