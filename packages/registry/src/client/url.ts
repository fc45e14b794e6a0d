// The addresses of a registry as users write them: URLs joined with commas, perhaps with a user and a password in them.
import { RegistryError } from './errors.ts'

/** A comma that no scheme follows is part of a password. */
const betweenUrls = /,(?=\s*(?:$|[a-z][a-z0-9+.-]*:\/\/))/i

/**
 * The addresses without user and password, as they may be shown and logged. Removes them from text that is not a URL as well: an
 * unescaped "/", "?" or "#" in a password ends the host part of a URL (RFC 3986, section 3.2).
 */
export function withoutUser(urls: string): string {
  const shown = urls.split(betweenUrls).map((url) => url.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1'))
  return shown.join(',')
}

/**
 * @param urls one http(s) URL, or several joined with commas
 * @throws {RegistryError} REGISTRY_OPTIONS: there is none, or one is not an http(s) URL; the message has no user and no password
 */
export function parseRegistryUrls(urls: string): readonly URL[] {
  const parts = urls
    .split(betweenUrls)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length === 0) throw invalid('url: there is none', 'give http://host:port')
  return parts.map((part) => {
    const shown = withoutUser(part)
    const url = URL.parse(part)
    if (url !== null && part.includes('@') && url.username === '' && url.password === '') {
      throw invalid(
        `url: "${shown}" has an unescaped character in its user or password`,
        'write "/" as %2F, "?" as %3F and "#" as %23 there, and "@" in a path as %40',
      )
    }
    const isHttp = url !== null && /^https?:$/.test(url.protocol) && url.host !== '' && !url.host.includes(',')
    if (isHttp) return url
    const schemeIsMissing = !part.includes('://') && URL.canParse(`http://${shown}`)
    throw invalid(
      `url: "${shown}" is not an http(s) URL`,
      schemeIsMissing ? `write http://${shown}` : 'write http://host:8081, or https:// where it has TLS',
    )
  })
}

const invalid = (message: string, hint: string) => new RegistryError('REGISTRY_OPTIONS', message, { hint })

/** The user and the password of a URL. A "%" that begins no escape stands for itself, as in a password that was not escaped. */
export function loginOf({ username, password }: URL): { readonly username: string; readonly password: string } {
  return { username: unescaped(username), password: unescaped(password) }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
