/** A data set that a small model learns in seconds: coloured shapes, and rows that no pipeline should trip over. */
import { cp, mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import sharp from 'sharp';
import sinkParquet from '../../operators/sinks/parquet.js';
import { batchOf, binaryColumn, utf8Column } from '../../pipeline/batch/build.js';
import { createRandom, type Random } from '../../pipeline/run/random.js';
import { claimSize } from '../operators/images/samples.js';

const COLOURS = {
  red: '#d02020',
  green: '#20a020',
  blue: '#2030d0',
  yellow: '#e0c000',
  purple: '#8020a0',
  black: '#000',
};
const SHAPES = {
  circle: (x: number, y: number, r: number) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  square: (x: number, y: number, r: number) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`,
  bar: (x: number, y: number, r: number) =>
    `<rect x="${x - r}" y="${y - r / 3}" width="${2 * r}" height="${r / 1.5}"/>`,
};

/** The names of all shapes: 18. */
export const names = Object.keys(COLOURS).flatMap((colour) => Object.keys(SHAPES).map((shape) => `${colour} ${shape}`));

/** One row: an image and its caption. */
export interface Row {
  readonly image: Uint8Array | null;
  readonly caption: string | null;
  readonly key: string;
}

/** Each shape `times` times, at random places and in random sizes. */
export async function drawShapes(times: number, seed: number): Promise<Row[]> {
  const random = createRandom(seed);
  const rows: Row[] = [];
  for (let i = 0; i < times; i++)
    for (const key of names) rows.push({ image: await draw(key, random), caption: `a ${key}`, key });
  return rows;
}

/** Rows that are dropped, each for another reason: `drops` says where and why. */
export async function badRows(): Promise<Row[]> {
  const png = await draw('red circle', createRandom(1));
  const thin = await sharp({ create: { width: 1, height: 30, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const row = (image: Uint8Array | null, caption: string | null = 'a bad row'): Row => ({ image, caption, key: 'bad' });
  return [
    row(Buffer.from('no image at all')),
    row(png.subarray(0, png.length - 30)),
    row(thin),
    row(claimSize(png, 60_000, 60_000)),
    row(null),
    row(png, null),
    row(png, 'word'),
    row(png, 'a bad row'),
    row(png, 'a bad row'),
  ];
}

/** What becomes of them, in the order of the operators. */
export const drops = {
  'filter/image-size[0]': { unreadable: 1, elongated: 1, pixels: 1, null: 1 },
  'filter/caption-length[1]': { null: 1, short: 1 },
  'dedup/exact[2]': { duplicate: 1 },
  'image/resize[3]': { undecodable: 1 },
};

/** A temporary folder with the manifest; whoever makes it removes it. */
export async function makeFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'alignflow-shapes-')));
  await mkdir(join(folder, 'data'));
  await cp(join(import.meta.dirname, 'shapes.yaml'), join(folder, 'shapes.yaml'));
  return folder;
}

/** Writes rows as Parquet, into the folder `data/<name>`. */
export async function writeShapes(folder: string, name: string, rows: readonly Row[], rowGroup = 128): Promise<void> {
  const batch = batchOfRows(rows);
  const { signal } = new AbortController();
  const options = { rowGroup, rowGroupBytes: 16e6, compression: 'none', file: 1_000_000 } as const;
  const target = join(folder, 'data', name);
  await mkdir(target, { recursive: true });
  const writer = await sinkParquet.open(options, { stage: 'test', folder: target, schema: batch.schema, signal });
  await writer.write(batch);
  await writer.close();
}

function batchOfRows(rows: readonly Row[]): RecordBatch {
  return batchOf({
    image: binaryColumn(rows.map(({ image }) => image)),
    caption: utf8Column(rows.map(({ caption }) => caption)),
    language: utf8Column(rows.map(() => 'en')),
    key: utf8Column(rows.map(({ key }) => key)),
  });
}

function draw(key: string, random: Random): Promise<Buffer> {
  const [colour, shape] = key.split(' ') as [keyof typeof COLOURS, keyof typeof SHAPES];
  const radius = random.between(6, 10);
  const place = () => random.between(radius, 24 - radius);
  const body = SHAPES[shape](place(), place(), radius);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><rect width="24" height="24" fill="#fff"/><g fill="${COLOURS[colour]}">${body}</g></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
