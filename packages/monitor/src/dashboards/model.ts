// A dashboard as data: what Grafana's two forms (classic and V2, `grafana.ts`) and the documentation are made from.

/** Grafana's names of units: `s`, `bytes`, `Bps`, `percentunit`, `mps` (messages per second), `short` (a count). */
export type Unit =
  | 'none'
  | 'short'
  | 's'
  | 'ms'
  | 'bytes'
  | 'Bps'
  | 'percentunit'
  | 'mps'
  | 'reqps'
  | 'cps'
  | 'dateTimeAsIso'
  | 'bool_yes_no'

export interface Query {
  readonly expr: string
  /** `{{group}}` is replaced by the label. In a table: the heading of the value's column. */
  readonly legend: string
  /** In a table, when it differs from the panel's. */
  readonly unit?: Unit
}

/** From `at` on, up to the next one. The first has no `at`. */
export interface Threshold {
  readonly at: number | null
  readonly colour: 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'text'
}

export interface ValueName {
  readonly value: number
  readonly text: string
  readonly colour: Threshold['colour'] | 'purple' | 'semi-dark-blue'
}

interface Common {
  readonly title: string
  /** What it shows, how it is computed and what a bad value means. */
  readonly description: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** Of 24 columns. */
  readonly width: number
  /** In rows of 30 pixels. */
  readonly height: number
  /** Shown in the place of a value where there is none. */
  readonly noValue?: string
  readonly max?: number
  readonly decimals?: number
}

export type Panel =
  | (Common & {
      readonly kind: 'stat'
      readonly thresholds: readonly Threshold[]
      readonly names?: readonly ValueName[]
    })
  | (Common & { readonly kind: 'lines'; readonly stacked?: boolean; readonly thresholds?: readonly Threshold[] })
  | (Common & { readonly kind: 'bars'; readonly thresholds: readonly Threshold[] })
  | (Common & { readonly kind: 'states'; readonly names: readonly ValueName[] })
  /** One row for each set of labels that the queries share; columns are the labels, in this order, and one for each query. */
  | (Common & {
      readonly kind: 'table'
      readonly labels: readonly { readonly name: string; readonly heading: string }[]
    })

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(…)`. */
  readonly query: string
  /** One value at a time, at first the first one. Default: any number of them, at first all. */
  readonly single?: true
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  /** Besides the data source. */
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}
