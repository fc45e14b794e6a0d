// One line of a terminal that is written again while a long work goes on; nothing elsewhere.
import type { Colours } from './colour.ts'
import { bytes, count, span } from './format.ts'
import type { Output } from './terminal.ts'

export interface ProgressLine {
  /** @param name what is done, as a participle: `restoring` */
  show(name: string, progress: Amount): void
  /** Clears the line. */
  end(): void
}

export interface Amount {
  readonly done: bigint | number
  readonly total: bigint | number
  readonly unit: string
  readonly bytes: number
}

const everyMs = 200

export function progressLine(
  output: Output,
  colours: Colours,
  now: () => number = () => performance.now(),
): ProgressLine {
  const startedAt = now()
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show(name, progress) {
      const nowMs = now()
      if (!output.isTTY || nowMs - shownAt < everyMs) return
      shownAt = nowMs
      output.write(`\r\u001b[K${colours.aside(progressText(name, progress, nowMs - startedAt))}`)
    },
    end() {
      if (output.isTTY && shownAt > Number.NEGATIVE_INFINITY) output.write('\r\u001b[K')
    },
  }
}

/** `restoring  42 %, 1,234 of 2,900 records, 120 MB, 80 MB/s, 20s left` */
export function progressText(name: string, { done, total, unit, bytes: moved }: Amount, tookMs: number): string {
  const [part, whole] = [Number(done), Number(total)]
  const share = whole === 0 ? 1 : part / whole
  const words = [`${Math.floor(share * 100)} %`, `${count(done)} of ${count(total)} ${unit}`]
  if (moved > 0) words.push(bytes(moved))
  if (tookMs > 1_000 && moved > 0) words.push(`${bytes(Math.round((moved / tookMs) * 1_000))}/s`)
  if (tookMs > 2_000 && share > 0 && share < 1)
    words.push(`${span(Math.ceil((tookMs / share - tookMs) / 1_000) * 1_000)} left`)
  return `${name}  ${words.join(', ')}`
}
