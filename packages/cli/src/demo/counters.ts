// The demo's counters and their display: a block that is redrawn on a terminal, a line elsewhere.

import type { Colours } from '../output/colour.ts'
import { count, span } from '../output/format.ts'
import { renderTable } from '../output/table.ts'
import type { Output } from '../output/terminal.ts'
import { padStart } from '../output/width.ts'

export interface TypeCount {
  readonly topic: string
  readonly eventType: string
  acknowledged: number
  failed: number
}

export interface Counters {
  acknowledged(topic: string, eventType: string): void
  failed(topic: string, eventType: string): void
  /** By topic, then by event type. */
  rows(): readonly Readonly<TypeCount>[]
  totals(): { acknowledged: number; failed: number }
}

export function createCounters(): Counters {
  const counts = new Map<string, TypeCount>()
  const of = (topic: string, eventType: string): TypeCount => {
    const key = `${topic}\n${eventType}`
    const found = counts.get(key) ?? { topic, eventType, acknowledged: 0, failed: 0 }
    counts.set(key, found)
    return found
  }
  return {
    acknowledged: (topic, eventType) => {
      of(topic, eventType).acknowledged += 1
    },
    failed: (topic, eventType) => {
      of(topic, eventType).failed += 1
    },
    rows: () => [...counts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    totals: () => {
      let acknowledged = 0
      let failed = 0
      for (const row of counts.values()) {
        acknowledged += row.acknowledged
        failed += row.failed
      }
      return { acknowledged, failed }
    },
  }
}

export function countersTable(counters: Counters, colours: Colours): string {
  const rows = counters.rows()
  const anyFailed = rows.some(({ failed }) => failed > 0)
  return renderTable(
    rows,
    [
      { header: 'TOPIC', value: ({ topic }) => topic },
      { header: 'EVENT', value: ({ eventType }) => eventType, colour: (text, _, { word }) => word(text) },
      { header: 'ACKNOWLEDGED', value: ({ acknowledged }) => acknowledged },
      ...(anyFailed
        ? [
            {
              header: 'FAILED',
              value: ({ failed }: Readonly<TypeCount>) => failed,
              colour: (text: string, _: unknown, { bad }: Colours) => bad(text),
            },
          ]
        : []),
    ],
    colours,
  )
}

export interface Progress {
  /** A line that stays; the counters continue below it. */
  say(line: string): void
  show(elapsedMs: number, ratePerSecond: number): void
  /** The last report, without the hint at Ctrl-C. */
  end(elapsedMs: number, ratePerSecond: number): void
}

/** On a terminal the counters are redrawn in place; elsewhere each report is a line. */
export function createProgress(output: Output, counters: Counters, colours: Colours): Progress {
  let drawnLines = 0
  // From the first column: a Ctrl-C has left `^C` on the line below.
  const erase = (): string => (drawnLines === 0 ? '' : `\r\u001b[${drawnLines}A\u001b[0J`)
  const draw = (elapsedMs: number, ratePerSecond: number, advice: string): void => {
    const { acknowledged, failed } = counters.totals()
    const failures = failed === 0 ? '' : `  ${colours.bad(`${count(failed)} failed`)}`
    const line = `${padStart(span(Math.floor(elapsedMs / 1000) * 1000), 8)}  ${padStart(count(acknowledged), 9)} events  ${padStart(ratePerSecond.toFixed(1), 8)}/s${failures}`
    if (!output.isTTY) {
      output.write(`${line}\n`)
      return
    }
    const table = countersTable(counters, colours)
    // If the terminal is too low to redraw the table, only the line is redrawn.
    const fits = table.split('\n').length + 2 < output.rows
    const block = `${fits ? `${table}\n` : ''}${line}${advice}\n`
    output.write(erase() + block)
    drawnLines = block.split('\n').length - 1
  }
  return {
    say(line) {
      output.write(`${erase()}${line}\n`)
      drawnLines = 0
    },
    show: (elapsedMs, ratePerSecond) => draw(elapsedMs, ratePerSecond, '   Ctrl-C ends it'),
    end: (elapsedMs, ratePerSecond) => draw(elapsedMs, ratePerSecond, ''),
  }
}
