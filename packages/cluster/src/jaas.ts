// The one line of `sasl.jaas.config`: a login module, a flag and options, ended by a semicolon.

export interface JaasEntry {
  /** Without its package: `ScramLoginModule`. */
  readonly module: string
  readonly options: Readonly<Record<string, string>>
}

const javaEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', b: '\b' }

/**
 * Reads one entry, as Kafka's JaasConfig does.
 *
 * @returns null when it is not one; its text is never repeated, because it holds a password
 */
export function parseJaas(text: string): JaasEntry | null {
  const tokens = tokenize(text)
  if (tokens === null || tokens.at(-1)?.text !== ';' || tokens.at(-1)?.quoted) {
    return null
  }
  const [module, flag, ...rest] = tokens.slice(0, -1)
  if (module === undefined || flag === undefined || !/^(required|requisite|sufficient|optional)$/i.test(flag.text)) {
    return null
  }
  const options: Record<string, string> = {}
  for (let i = 0; i < rest.length; i += 3) {
    const [key, equals, value] = rest.slice(i, i + 3)
    if (key === undefined || equals?.text !== '=' || equals.quoted || value === undefined) {
      return null
    }
    options[key.text] = value.text
  }
  return { module: module.text.split('.').at(-1)!, options }
}

interface Token {
  readonly text: string
  readonly quoted: boolean
}

function tokenize(text: string): Token[] | null {
  const tokens: Token[] = []
  const grammar = /\s+|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([=;])|([^\s"'=;]+)/gsy
  while (grammar.lastIndex < text.length) {
    const match = grammar.exec(text)
    if (match === null) {
      return null
    }
    const [, double, single, sign, word] = match
    const quoted = double ?? single
    if (quoted !== undefined) {
      tokens.push({ text: quoted.replace(/\\(.)/gs, (_, c: string) => javaEscapes[c] ?? c), quoted: true })
    } else if (sign !== undefined || word !== undefined) {
      tokens.push({ text: (sign ?? word)!, quoted: false })
    }
  }
  return tokens
}
