// The declaration of an API: its key, its two messages and its versions.
import type { Message } from '../codec/declaration.ts'
import { parseVersions, type Versions } from '../codec/versions.ts'

export interface Api<
  Name extends string = string,
  Request extends Message = Message,
  Response extends Message = Message,
> {
  readonly key: number
  readonly name: Name
  readonly request: Request
  readonly response: Response
  /** Versions that can be read and written. */
  readonly versions: Versions
  /** Versions that a broker lists in its ApiVersions response. */
  readonly advertised: Versions
}

export function api<Name extends string, Request extends Message, Response extends Message>(
  key: number,
  name: Name,
  request: Request,
  response: Response,
  { advertisedMin, advertisedMax }: { readonly advertisedMin?: number; readonly advertisedMax?: number } = {},
): Api<Name, Request, Response> {
  const versions = parseVersions(request.versions)
  const advertised = { min: advertisedMin ?? versions.min, max: advertisedMax ?? versions.max }
  return { key, name, request, response, versions, advertised }
}
