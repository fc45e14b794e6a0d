// The bytes that a scrape gets. They are made once for each snapshot; a scrape only sends them.
import { pipeline } from 'node:stream/promises'
import { setImmediate as otherWork } from 'node:timers/promises'
import { constants, createGzip } from 'node:zlib'
import { metricHead, metricsEnd, type TextFormat } from '@selfmonitor/http/metrics'
import { type Family, families, type Granularity } from '../metrics/families.ts'
import type { View } from '../metrics/view.ts'

/** Series of metrics look alike: the fastest level makes a twentieth of them, off the event loop. */
const gzipOptions = { level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 }
/** A scrape that came so long ago will not come again: its form is not made beforehand any more. */
const askedWithinMs = 10 * 60_000

interface Rendered {
  readonly families: readonly { readonly family: Family['metric']; readonly lines: readonly Buffer[] }[]
  /** By form; what is asked for first is made then. The forms that are not compressed share the lines. */
  readonly forms: Map<string, Promise<Page>>
}

/** The bytes of an answer, in parts. */
export interface Page {
  readonly parts: readonly Buffer[]
  readonly sizeBytes: number
}

export interface Pages {
  /** Renders a snapshot, then replaces the one before: scrapes get the old one meanwhile. */
  show(view: View, granularity: Granularity): Promise<void>
  /** @returns null before the first snapshot */
  page(format: TextFormat, compressed: boolean): Promise<Page> | null
}

export function createPages(now: () => number): Pages {
  let current: Rendered | null = null
  const asked = new Map<string, { format: TextFormat; compressed: boolean; atMs: number }>()
  return {
    async show(view, granularity) {
      const next = await render(view, granularity)
      for (const [key, { format, compressed, atMs }] of asked) {
        if (now() - atMs > askedWithinMs) asked.delete(key)
        else await form(next, format, compressed)
      }
      current = next
    },
    page(format, compressed) {
      if (current === null) return null
      asked.set(formKey(format, compressed), { format, compressed, atMs: now() })
      return form(current, format, compressed)
    },
  }
}

/** Leaves the event loop to scrapes between two metrics. */
async function render(view: View, granularity: Granularity): Promise<Rendered> {
  const rendered: Rendered['families'][number][] = []
  await otherWork()
  for (const { metric, lines } of families(view, granularity)) {
    rendered.push({ family: metric, lines })
    await otherWork()
  }
  return { families: rendered, forms: new Map() }
}

const formKey = (format: TextFormat, compressed: boolean): string => `${format} ${compressed}`

function form(rendered: Rendered, format: TextFormat, compressed: boolean): Promise<Page> {
  const key = formKey(format, compressed)
  let made = rendered.forms.get(key)
  if (made === undefined) {
    const parts = [
      ...rendered.families.flatMap(({ family, lines }) => [Buffer.from(metricHead(family, format)), ...lines]),
      Buffer.from(metricsEnd[format]),
    ]
    made = compressed ? compress(parts) : Promise.resolve(pageOf(parts))
    rendered.forms.set(key, made)
  }
  return made
}

async function compress(parts: readonly Buffer[]): Promise<Page> {
  const gzip = createGzip(gzipOptions)
  return pageOf(await pipeline(parts, gzip, all))
}

async function all(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

function pageOf(parts: readonly Buffer[]): Page {
  return { parts, sizeBytes: parts.reduce((sum, { length }) => sum + length, 0) }
}
