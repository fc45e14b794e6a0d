// The access file as data: users, certificates and issuers of tokens, and what their roles may do.
import { isMap, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { AccessFileError, type AccessProblem } from './errors.ts'
import { type PasswordHash, parseHash } from './password.ts'
import { type Grant, rights } from './rights.ts'

export interface Policy {
  readonly users: ReadonlyMap<string, { readonly hash: PasswordHash; readonly grants: readonly Grant[] }>
  readonly certificates: readonly {
    readonly subject?: string | undefined
    readonly commonName?: string | undefined
    readonly grants: readonly Grant[]
  }[]
  readonly issuers: readonly Issuer[]
  /** The grants of roles: the same array for the same roles. Names of roles that the file does not have are left out. */
  grantsOf(roles: readonly string[]): readonly Grant[]
}

export interface Issuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl: string | undefined
  /** The claim that names the caller. */
  readonly nameClaim: string
  /** The claim with the caller's roles: text, several with spaces in between, or a list. Dots lead into objects. */
  readonly rolesClaim: string
  readonly clockSkewSeconds: number
  /** Roles of the file for each role of the token; undefined: those of the same name. */
  readonly roles: Readonly<Record<string, readonly string[]>> | undefined
}

const names = z.array(z.string().min(1)).min(1)
const grant = z.strictObject({
  rights: z.array(z.enum(rights)).min(1),
  subjects: names.default(['*']),
  contexts: names.default(['.']),
})
const hash = z.string().transform((text, context) => {
  try {
    return parseHash(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return z.NEVER
  }
})
/** Keys and tokens over plain HTTP could be replaced on the way; on this machine they do not leave it. */
const url = z
  .url({ protocol: /^https?$/ })
  .refine((text) => /^https:|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(text), 'is not an https URL')
const issuer = z.strictObject({
  issuer: url,
  audience: z.string().min(1),
  jwksUrl: url.optional(),
  nameClaim: z.string().min(1).default('sub'),
  rolesClaim: z.string().min(1).default('roles'),
  clockSkewSeconds: z.int().min(0).max(300).default(30),
  roles: z.record(z.string(), names).optional(),
})
const certificate = z
  .strictObject({ subject: z.string().min(1).optional(), commonName: z.string().min(1).optional(), roles: names })
  .refine(
    ({ subject, commonName }) => (subject === undefined) !== (commonName === undefined),
    'has neither subject nor commonName, or both',
  )
const format = z.strictObject({
  roles: z.record(z.string(), z.array(grant).min(1)),
  users: z
    .record(
      z.string().regex(/^[^:\p{Cc}]+$/u, 'has a colon or a control character'),
      z.strictObject({ password: hash, roles: names }),
    )
    .default({}),
  certificates: z.array(certificate).default([]),
  issuers: z.array(issuer).default([]),
})
type Format = z.output<typeof format>

/**
 * @param file its name, for messages
 * @throws {AccessFileError} with the line of every mistake
 */
export function parsePolicy(file: string, text: string): Policy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const fail = (problems: readonly AccessProblem[]): never => {
    throw new AccessFileError(file, problems)
  }
  if (document.errors.length > 0) {
    fail(
      document.errors.map(({ pos, code }) => ({
        line: lines.linePos(pos[0]).line,
        message: `is not valid YAML (${code})`,
      })),
    )
  }
  const lastLine = text.split('\n').length
  if (!isMap(document.contents))
    fail([{ line: 1, message: 'the file is empty: it has roles, and users, certificates or issuers' }])
  if (!/\n\.\.\.[ \t]*(\r?\n\s*)?$/.test(text)) {
    const message = 'the file does not end with a line `...`, the end of a YAML document: it may have been cut off'
    fail([{ line: lastLine, message }])
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined
      if (node?.range) return lines.linePos(node.range[0]!).line
    }
    return 1
  }
  const at = (path: readonly PropertyKey[], message: string): AccessProblem => ({
    line: lineOf(path),
    message: `${path.map(String).join('.') || 'the file'}: ${message}`,
  })
  const read = format.safeParse(document.toJS())
  if (!read.success) return fail(read.error.issues.map((issue) => at(issue.path, messageOf(issue))))
  const problems = mistakes(read.data).map(({ path, message }) => at(path, message))
  return problems.length > 0 ? fail(problems) : policyOf(read.data)
}

/** The names of unknown keys may be pieces of a value that was not quoted. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  const shown = issue.keys.filter((key) => /^[a-zA-Z]{1,20}$/.test(key))
  return shown.length === issue.keys.length
    ? `has ${shown.join(', ')}, which is not known here`
    : 'has keys that are not known here: inside { } and [ ], put a hash in quotes'
}

interface Mistake {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function mistakes({ roles, users, certificates, issuers }: Format): Mistake[] {
  const found: Mistake[] = []
  const check = (path: readonly PropertyKey[], named: readonly string[]): void => {
    named.forEach((name, index) => {
      if (!Object.hasOwn(roles, name))
        found.push({ path: [...path, index], message: `there is no role ${JSON.stringify(name)}` })
    })
  }
  for (const [name, user] of Object.entries(users)) check(['users', name, 'roles'], user.roles)
  for (const [index, one] of certificates.entries()) check(['certificates', index, 'roles'], one.roles)
  issuers.forEach((one, index) => {
    for (const [name, named] of Object.entries(one.roles ?? {})) check(['issuers', index, 'roles', name], named)
    const other = issuers.findIndex(({ issuer }) => issuer === one.issuer)
    if (other !== index) found.push({ path: ['issuers', index], message: 'has the issuer of another entry' })
  })
  if (Object.keys(users).length + certificates.length + issuers.length === 0) {
    found.push({ path: [], message: 'nobody could log in: it has no users, certificates or issuers' })
  }
  return found
}

/** More combinations of roles than tokens bring; then the oldest are made anew. */
const mostCombinations = 1_000

function policyOf({ roles, users, certificates, issuers }: Format): Policy {
  const known = new Map<string, readonly Grant[]>()
  const grantsOf = (named: readonly string[]): readonly Grant[] => {
    const own = [...new Set(named)].filter((name) => Object.hasOwn(roles, name)).toSorted()
    const key = JSON.stringify(own)
    const found = known.get(key) ?? own.flatMap((name) => roles[name]!)
    if (known.size >= mostCombinations) known.clear()
    known.set(key, found)
    return found
  }
  return {
    users: new Map(
      Object.entries(users).map(([name, user]) => [name, { hash: user.password, grants: grantsOf(user.roles) }]),
    ),
    certificates: certificates.map(({ roles: named, ...one }) => ({ ...one, grants: grantsOf(named) })),
    issuers: issuers.map((one) => ({ ...one, jwksUrl: one.jwksUrl, roles: one.roles })),
    grantsOf,
  }
}
