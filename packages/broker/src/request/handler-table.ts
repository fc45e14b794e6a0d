// What a row of the table of APIs says, and which versions follow from it.
import type { Api, ApiName, Versions } from '@selfmonitor/protocol'
import type { ApiHandler } from './handler.ts'

export interface HandlerRow<N extends ApiName> {
  readonly handle: ApiHandler<N>
  /** See `Handler`: the next request of the connection may start once this handler has returned its promise. */
  readonly pipelined?: boolean
  /** The handler keeps nothing of the request's bytes once it has answered: their memory serves the next request. */
  readonly keepsNothing?: boolean
  /** Where the broker knows fewer versions than the protocol package declares. */
  readonly versions?: Versions
}

export type HandlerTable = { readonly [N in ApiName]?: HandlerRow<N> }

/** Versions that are handled. */
export function supportedVersions(api: Api, row: { readonly versions?: Versions }): Versions {
  return row.versions ?? api.versions
}

/** Versions that ApiVersions lists; Produce lists some that no client uses (KAFKA-18659). */
export function advertisedVersions(api: Api, row: { readonly versions?: Versions }): Versions {
  return row.versions ?? api.advertised
}
