// Panels as SVG and HTML, with the options that the dashboards' model has. Pure.
import type { Panel, Threshold, ValueName } from '@selfmonitor/monitor/dashboards'
import { valueText } from './units.ts'

/** What Prometheus answered to one query of a panel. */
export interface Series {
  readonly query: number
  readonly labels: Readonly<Record<string, string>>
  /** Seconds and values. */
  readonly points: readonly (readonly [number, number])[]
}

export interface Data {
  readonly series: readonly Series[]
  readonly from: number
  readonly to: number
}

const palette = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#8ab8ff',
  '#96d98d',
  '#ffb357',
  '#e0b400',
]
const colours: Readonly<Record<string, string>> = {
  ...{ green: '#73bf69', yellow: '#fade2a', orange: '#ff9830', red: '#f2495c', blue: '#5794f2', text: '#ccccdc' },
  ...{ purple: '#b877d9', 'semi-dark-blue': '#3274d9' },
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function drawn(panel: Panel, data: Data): string {
  if (data.series.length === 0) return `<div class="none">${escaped(panel.noValue ?? 'No data')}</div>`
  switch (panel.kind) {
    case 'lines':
      return lines(panel, data)
    case 'stat':
      return stats(panel, data)
    case 'bars':
      return bars(panel, data)
    case 'states':
      return states(panel, data)
    case 'table':
      return table(panel, data)
  }
}

type Of<K extends Panel['kind']> = Extract<Panel, { kind: K }>

function nameOf(panel: Panel, { query, labels }: Series): string {
  return panel.queries[query]!.legend.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')
}

const lastOf = ({ points }: Series): number => points.at(-1)?.[1] ?? Number.NaN

function colourOf(value: number, steps: readonly Threshold[]): string {
  return colours[steps.findLast(({ at }) => at === null || value >= at)?.colour ?? 'text']!
}

function lines(panel: Of<'lines'>, { series, from, to }: Data): string {
  const width = panel.width * 62
  const height = panel.height * 30 - 100
  const sums = new Map<number, number>()
  const shown = series.map((one) => ({
    one,
    points: one.points.map(([at, value]) => {
      if (panel.stacked !== true) return [at, value] as const
      sums.set(at, (sums.get(at) ?? 0) + value)
      return [at, sums.get(at)!] as const
    }),
  }))
  const values = shown.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite)
  const top = panel.max ?? Math.max(...values, 0) * 1.08
  const bottom = panel.max === undefined ? Math.min(0, ...values) : 0
  const x = (at: number): number => 70 + ((at - from) / (to - from)) * (width - 75)
  const y = (value: number): number => height - 4 - ((value - bottom) / (top - bottom || 1)) * (height - 12)
  const path = (points: readonly (readonly [number, number])[]): string =>
    points
      .filter(([, value]) => Number.isFinite(value))
      .map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${x(at).toFixed(1)},${y(value).toFixed(1)}`)
      .join('')
  const axis = [0, 0.5, 1].map((share) => {
    const value = bottom + (top - bottom) * share
    return `<line x1="70" x2="${width}" y1="${y(value)}" y2="${y(value)}" stroke="#333"/><text x="64" y="${y(value) + 4}" text-anchor="end">${valueText(value, panel.unit)}</text>`
  })
  const limits = (panel.thresholds ?? [])
    .filter(({ at }) => at !== null && at <= top)
    .map(
      ({ at, colour }) =>
        `<line x1="70" x2="${width}" y1="${y(at!)}" y2="${y(at!)}" stroke="${colours[colour]}" stroke-dasharray="6"/>`,
    )
  const paths = shown.map(
    ({ points }, i) =>
      `<path d="${path(points)}" fill="none" stroke="${palette[i % palette.length]}" stroke-width="1.5"/>`,
  )
  const legend = series
    .map((one, i) => ({
      name: nameOf(panel, one),
      i,
      last: lastOf(one),
      max: Math.max(...one.points.map(([, value]) => value)),
    }))
    .toSorted((a, b) => b.last - a.last)
  const rows = legend
    .slice(0, 3)
    .map(
      ({ name, i, last, max }) =>
        `<tr><td><i style="background:${palette[i % palette.length]}"></i>${escaped(name)}</td><td>${valueText(last, panel.unit)}</td><td>${valueText(max, panel.unit)}</td></tr>`,
    )
  const more = legend.length > 3 ? `<tr><td>… ${legend.length} series</td><td></td><td></td></tr>` : ''
  return `<svg width="${width}" height="${height}">${[...axis, ...limits, ...paths].join('')}</svg><table class="legend">${rows.join('')}${more}</table>`
}

function stats(panel: Of<'stat'>, { series }: Data): string {
  const isNamed = series.length > 1 || panel.names !== undefined
  const each = series.map((one) => {
    const { text, colour } = worded(lastOf(one), panel, panel.names)
    const name = isNamed ? `<div class="name">${escaped(nameOf(panel, one))}</div>` : ''
    return `<div class="stat" style="color:${colour ?? colourOf(lastOf(one), panel.thresholds)}">${name}${escaped(text)}</div>`
  })
  return `<div class="stats">${each.join('')}</div>`
}

function worded(value: number, panel: Panel, names: readonly ValueName[] = []): { text: string; colour?: string } {
  const found = names.find((name) => name.value === value)
  if (found !== undefined) return { text: found.text, colour: colours[found.colour]! }
  return { text: valueText(value, panel.unit, panel.decimals) }
}

function bars(panel: Of<'bars'>, { series }: Data): string {
  const most = panel.max ?? Math.max(...series.map(lastOf))
  const rows = series.map((one) => {
    const value = lastOf(one)
    const share = Math.max(0, Math.min(1, value / (most || 1))) * 100
    return `<tr><td>${escaped(nameOf(panel, one))}</td><td class="bar"><b style="width:${share}%;background:${colourOf(value, panel.thresholds)}"></b></td><td>${valueText(value, panel.unit)}</td></tr>`
  })
  return `<table class="bars">${rows.join('')}</table>`
}

function states(panel: Of<'states'>, { series, from, to }: Data): string {
  const width = panel.width * 62
  const rows = series.map((one, row) => {
    const parts = one.points.map(([at, value], i) => {
      const next = one.points[i + 1]?.[0] ?? to
      const x = (t: number): number => 200 + ((t - from) / (to - from)) * (width - 200)
      return `<rect x="${x(at)}" y="${row * 22}" width="${x(next) - x(at) + 0.5}" height="18" fill="${worded(value, panel, panel.names).colour ?? '#777'}"/>`
    })
    const { text } = worded(lastOf(one), panel, panel.names)
    return `${parts.join('')}<text x="0" y="${row * 22 + 13}">${escaped(nameOf(panel, one))}</text><text x="${width - 90}" y="${row * 22 + 13}" style="fill:#fff">${escaped(text)}</text>`
  })
  return `<svg width="${width}" height="${series.length * 22}">${rows.join('')}</svg>`
}

/** One row for each set of labels, as Grafana merges the queries; a label that the panel does not name is a column too. */
function table(panel: Of<'table'>, { series }: Data): string {
  const named = panel.labels.map(({ name }) => name)
  const others = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].filter(
    (name) => !named.includes(name),
  )
  const columns = [...named, ...others]
  const rows = new Map<string, { labels: Series['labels']; values: Map<number, number> }>()
  for (const one of series) {
    const key = columns.map((name) => one.labels[name]).join('\n')
    const row = rows.get(key) ?? { labels: one.labels, values: new Map() }
    row.values.set(one.query, lastOf(one))
    rows.set(key, row)
  }
  const head = [
    ...panel.labels.map(({ heading }) => heading),
    ...others.map((name) => `(${name})`),
    ...panel.queries.map(({ legend }) => legend),
  ]
  const cells = [...rows.values()].slice(0, 8).map(({ labels, values }) => {
    const own = panel.queries.map(({ unit = panel.unit }, i) =>
      values.has(i) ? valueText(values.get(i)!, unit, panel.decimals) : '',
    )
    return `<tr>${[...columns.map((name) => labels[name] ?? ''), ...own].map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`
  })
  return `<table class="rows"><tr>${head.map((cell) => `<th>${escaped(cell)}</th>`).join('')}</tr>${cells.join('')}</table>`
}
