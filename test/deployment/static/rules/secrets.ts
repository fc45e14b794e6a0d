// No credential in anything that is rendered: it would be in a repository, in Helm's history, in `ps` and in every log.
import { containersOf, type KubernetesObject, nameOf, ofKind, podPerOwner } from '../objects.ts'
import type { Rule } from './rule.ts'

/** What a credential looks like: `password=…`, a password in a JAAS line or a URL, a private key. */
const patterns: readonly { what: string; pattern: RegExp }[] = [
  { what: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]/ },
  // A value that is put in later begins with one of: $ (shell, Kubernetes, Kafka's ${…}), @@ (our templates), % (printf).
  {
    what: 'a password',
    pattern:
      /(?:password|passwd|passphrase|(?:secret|access|api)[-_.]?key)["']?[^\S\n]*[=:][^\S\n]*\\?["']?(?![$@%<\\"'\s;),}\]]|true\b|false\b|null\b|[./])([^\s"';,]+)/gi,
  },
  { what: 'a password in an address', pattern: /[a-z]+:\/\/[^\s/:@]+:(?![$@%])[^\s/:@]+@/i },
]

/** Words that the patterns meet and that are no credentials: names of settings, types, callbacks. */
const harmless = /^(?:SecretKeySelector|password|String|kubernetes\.io)/

function credentialIn(text: string): string | null {
  for (const { what, pattern } of patterns) {
    if (!pattern.global) {
      if (pattern.test(text)) return what
      continue
    }
    for (const match of text.matchAll(pattern))
      if (!harmless.test(match[1]!)) return `${what} (${match[0].slice(0, 40)})`
  }
  return null
}

/** No Secret is rendered with a value, and no ConfigMap, argument, variable or annotation has what looks like one. */
export const noCredentials: Rule = (objects) => [
  ...ofKind(objects, 'Secret')
    .filter((secret) => Object.keys({ ...secret.data, ...secret.stringData }).length > 0)
    .map((secret) => `${nameOf(secret)}: is rendered with values`),
  ...objects.flatMap((object) =>
    textsOf(object).flatMap(([place, text]) => {
      const found = credentialIn(text)
      return found === null ? [] : [`${nameOf(object)}, ${place}: has ${found}`]
    }),
  ),
]

function textsOf(object: KubernetesObject): readonly (readonly [place: string, text: string])[] {
  const texts: [string, string][] = []
  if (object.kind === 'ConfigMap')
    for (const [key, value] of Object.entries<string>({ ...object.data })) texts.push([`key ${key}`, value])
  for (const [key, value] of Object.entries(object.metadata.annotations ?? {}))
    texts.push([`annotation ${key}`, `${key}=${value}`])
  for (const pod of podPerOwner([object]))
    for (const { spec } of containersOf(pod.spec)) {
      texts.push([`container ${spec.name}`, [...(spec.command ?? []), ...(spec.args ?? [])].join(' ')])
      for (const { name, value } of spec.env ?? [])
        if (value !== undefined) texts.push([`container ${spec.name}, variable ${name}`, `${name}=${value}`])
    }
  return texts
}
