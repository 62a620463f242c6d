import { basename } from 'node:path';
import { AlignflowError } from '../errors.js';

/** What can be started from a template. */
export type Template = 'filter' | 'operator';

/** A new file, relative to the folder of operators. */
export interface ScaffoldFile {
  readonly path: string;
  readonly text: string;
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * An operator and its test, to start from: both work as they are. A filter drops rows; the other form may change them.
 * @param name what manifests will call it: `my/long-words`
 */
export function scaffold(template: Template, name: string): readonly ScaffoldFile[] {
  if (!NAME.test(name))
    throw new AlignflowError({
      what: `${name} cannot name an operator`,
      expected: 'a group and a name, in small letters, digits and hyphens: my/long-words',
    });
  const file = basename(name);
  const words = file.split('-').map((word) => word[0]!.toUpperCase() + word.slice(1));
  const type = words.join('');
  const names = { name, file, type, value: type[0]!.toLowerCase() + type.slice(1) };
  return [
    { path: `${file}.ts`, text: template === 'filter' ? filterText(names) : operatorText(names) },
    { path: `${file}.test.ts`, text: testText(names, template) },
  ];
}

interface Names {
  /** `my/long-words` */
  readonly name: string;
  /** `long-words` */
  readonly file: string;
  /** `LongWords` */
  readonly type: string;
  /** `longWords` */
  readonly value: string;
}

function filterText({ name, type }: Names): string {
  return `import { defineFilter, readColumn } from 'alignflow';
import { Utf8 } from 'apache-arrow';

/** Keeps rows whose text has \`min\` characters at least. */
export interface ${type} {
  /** Text column to measure. */
  column: string;
  /** Fewest characters kept. @integer @minimum 0 */
  min: number;
}

export default defineFilter({
  name: '${name}',
  defaults: { column: 'caption', min: 3 },
  reads: ({ column }: ${type}) => ({ [column]: new Utf8() }),
  drops: ['null', 'short'],
  measures: ['characters'],
  judge: (batch, { column, min }, context) => {
    const texts = readColumn(batch, column, Utf8);
    return (row) => {
      const text = texts.get(row);
      if (text === null) return 'null';
      const characters = [...text].length;
      context.measure('characters', characters, min);
      return characters < min ? 'short' : undefined;
    };
  },
});
`;
}

function operatorText({ name, type }: Names): string {
  return `import { defineOperator, int32Column, readColumn, withColumn, withField } from 'alignflow';
import { Field, Int32, Utf8 } from 'apache-arrow';
import { map } from 'rxjs';

/** Counts the characters of a text into a column. */
export interface ${type} {
  /** Text column to measure. */
  column: string;
  /** Column that the counts go to; one of the same name is replaced. A row without a text gets a null. */
  into: string;
}

export default defineOperator({
  name: '${name}',
  defaults: { column: 'caption', into: 'characters' },
  reads: ({ column }: ${type}) => ({ [column]: new Utf8() }),
  writes: (schema, { into }) => withField(schema, countField(into)),
  run: ({ column, into }) =>
    map((batch) => {
      const texts = readColumn(batch, column, Utf8);
      const counts = Array.from({ length: batch.numRows }, (_, row) => {
        const text = texts.get(row);
        return text === null ? null : [...text].length;
      });
      return withColumn(batch, countField(into), int32Column(counts));
    }),
});

function countField(name: string): Field<Int32> {
  return new Field(name, new Int32(), true);
}
`;
}

function testText({ file, value }: Names, template: Template): string {
  const config = template === 'filter' ? 'config: { min: 8 }, ' : '';
  return `import { describeConformance, randomBatches } from 'alignflow/testing';
import { Field, Schema, Utf8 } from 'apache-arrow';
import { describe, it } from 'vitest';
import ${value} from './${file}.js';

// What every operator must do: any batching gives the same rows, every row is accounted for, the schema is as declared.
const batches = randomBatches(new Schema([new Field('caption', new Utf8(), true)]), { sizes: [30, 20] });
describeConformance(${value}, { ${config}batches }, { describe, it });
`;
}
