import type { SampleReport } from '../report.js';
import { html, type Markup } from './markup.js';

/** Images that are shown: pictures in the page itself, in formats that cannot carry a script. */
const PICTURE = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*$/;

/** Examples with their picture; what was expected stands under what was said. */
export function galleryPart(samples: readonly SampleReport[]): Markup | undefined {
  if (samples.length === 0) return undefined;
  return html`<h3>Examples</h3>
<ul class="gallery">${samples.map(card)}
</ul>`;
}

function card({ title, image, text, expected }: SampleReport): Markup {
  const verdict = expected === undefined ? '' : same(text, expected) ? 'good' : 'bad';
  return html`
<li class="${verdict}">${picture(image)}
<div><small>${title}</small><p dir="auto">${text}</p>${
    verdict === 'bad' ? html`<p class="expected" dir="auto"><small>expected</small> ${expected}</p>` : undefined
  }</div></li>`;
}

/** The picture of a data URL; nothing for anything else. */
export function picture(image: string | undefined): Markup | undefined {
  return image !== undefined && PICTURE.test(image) ? html`<img src="${image}" alt="" loading="lazy">` : undefined;
}

function same(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
