// The formats of values on the command line.

/** How values are shown. `auto`: decoded where that is possible. */
export const valueFormats = ['auto', 'avro', 'json', 'raw', 'hex'] as const
export type ValueFormat = (typeof valueFormats)[number]

/** What a line of `topics produce` is. `auto`: a record as `topics consume` prints it. */
export const lineFormats = ['auto', 'avro', 'json', 'raw'] as const
export type LineFormat = (typeof lineFormats)[number]
