// No credential in anything that is rendered: it would be in a repository, in Helm's history, in `ps` and in every log.
import { containersOf, type KubernetesObject, nameOf, ofKind, podPerOwner } from '../objects.ts'
import type { Rule } from './rule.ts'

const setting = '(?:password|passwd|passphrase|(?:secret|access|api)[-_.]?key)'
/** A value that is put in later begins with $ (shell, Kubernetes, Kafka's ${…}), @@ (our templates) or % (printf). */
const literal = '\\\\?["\']?(?![$@%<~=\\\\"\'\\s;),}\\]|]|true\\b|false\\b|null\\b|[./])([^\\s"\';,]+)'

const assigned = new RegExp(`${setting}["']?[^\\S\\n]*=[^\\S\\n]*${literal}`, 'i')
const assignedOrMapped = new RegExp(`${setting}["']?[^\\S\\n]*[=:][^\\S\\n]*${literal}`, 'i')
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]/
const inAddress = /[a-z]+:\/\/[^\s/:@]+:(?![$@%])[^\s/:@]+@/i

/** Parts of a text that look like a credential: `password=…`, one in a JAAS line, in YAML, JSON or an address, a private key. */
function credentialIn(text: string, place: string): string | null {
  if (privateKey.test(text)) return 'a private key'
  if (inAddress.test(text)) return 'a password in an address'
  // In a script a colon assigns nothing, and comments have many.
  const match = (place.endsWith('.sh') ? assigned : assignedOrMapped).exec(text)
  return match ? `a password (${match[0].slice(0, 40)})` : null
}

/** No Secret is rendered with a value, and no ConfigMap, argument, variable or annotation has what looks like one. */
export const noCredentials: Rule = (objects) => [
  ...ofKind(objects, 'Secret')
    .filter((secret) => Object.keys({ ...secret.data, ...secret.stringData }).length > 0)
    .map((secret) => `${nameOf(secret)}: is rendered with values`),
  ...objects.flatMap((object) =>
    textsOf(object).flatMap(([place, text]) => {
      const found = credentialIn(text, place)
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
