// The table of handlers: its rows, and the versions that follow from them.
import type { Api, ApiName, Versions } from '@selfmonitor/protocol'
import type { ApiHandler } from './handler.ts'

export interface HandlerRow<N extends ApiName> {
  readonly handle: ApiHandler<N>
  /** See `Handler`: the next request of the connection may start once this handler has returned its promise. */
  readonly pipelined?: boolean
  /** The handler keeps no view of the request's bytes once it has answered, so their memory can be reused. */
  readonly keepsNothing?: boolean
  /** Set when the broker supports fewer versions than the protocol package declares. */
  readonly versions?: Versions
}

export type HandlerTable = { readonly [N in ApiName]?: HandlerRow<N> }

/** The versions that are supported. */
export function supportedVersions(api: Api, row: { readonly versions?: Versions }): Versions {
  return row.versions ?? api.versions
}

/** The versions that ApiVersions lists; Produce lists some that no client uses (KAFKA-18659). */
export function advertisedVersions(api: Api, row: { readonly versions?: Versions }): Versions {
  return row.versions ?? api.advertised
}
