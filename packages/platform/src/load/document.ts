// A YAML file as a tree in which every value has its position, so that any mistake can be reported with its place.
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLParseError,
  type Node as YamlNode,
} from 'yaml'
import type { PlatformProblem } from '../model.ts'

export interface Position {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** `topics."user.events".partitions` */
  readonly path: string
}

export interface MapTree {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: ReadonlyMap<string, { readonly key: Position; readonly value: Tree }>
}

export interface ListTree {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly Tree[]
}

export interface ScalarTree {
  readonly kind: 'scalar'
  readonly at: Position
  readonly value: string | number | boolean | null
  /** As written in the file, which a message may show; the value may come from the environment. */
  readonly source: string
  /** The value comes from the environment, as text. */
  readonly substituted: boolean
  /** Environment variables that it names and that are not set. */
  readonly unset: readonly string[]
}

export type Tree = MapTree | ListTree | ScalarTree

export type Environment = Readonly<Record<string, string | undefined>>

/** Joins a key to a path, quoted where it is not a plain word. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') {
    return `${path}[${key}]`
  }
  const part = /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
  return path === '' ? part : `${path}.${part}`
}

export function problemAt({ file, line, column, path }: Position, message: string): PlatformProblem {
  return { file, line, column, path, message }
}

/**
 * Parses one file. Aliases, anchors and merge keys (`<<`) are resolved; `${NAME}` and `${NAME:-default}` inside values
 * are replaced from `env`, `$${` becomes `${`.
 *
 * @returns the tree, null when the text is not YAML or is empty, and every problem found
 */
export function readDocument(
  file: string,
  text: string,
  env: Environment,
): { readonly tree: Tree | null; readonly problems: PlatformProblem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: false })
  const position = (offset: number, path: string): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col, path }
  }
  const problems = independent(document.errors).map((error) => {
    const at = position(error.pos[0], '')
    if (error.code === 'DUPLICATE_KEY') {
      return problemAt(at, `declares ${/^[^:\n]*/.exec(text.slice(error.pos[0]))?.[0]} a second time`)
    }
    const unquoted = /[{[,].*[^"'$]\$\{/.test(text.split('\n')[at.line - 1] ?? '')
    const hint = unquoted ? '; inside { } and [ ], put ${…} in quotes' : ''
    return problemAt(at, `is not valid YAML: ${error.message}${hint}`)
  })
  if (document.errors.length > 0 || document.contents === null) {
    return { tree: null, problems }
  }

  const following: Alias[] = []
  /** The nearest one before, by name, as YAML says; the library's own look-up walks the document for each alias. */
  const anchors = new Map<string, YamlNode>()
  const note = (node: YamlNode | null): void => {
    if (following.length === 0 && node !== null && !isAlias(node) && node.anchor !== undefined) {
      anchors.set(node.anchor, node)
    }
  }
  /** The number of values that aliases may still produce: ten lines of nested aliases could otherwise become a thousand million. */
  let room = maxAliased
  function convert(node: YamlNode | null, path: string, fallback: number): Tree {
    const at = position(node?.range?.[0] ?? fallback, path)
    if (following.length > 0) {
      room -= 1
      if (room < 0) {
        throw new TooMuch(problemAt(position(following[0]!.range![0], ''), `*${following[0]!.source} ${tooMuch}`))
      }
    }
    note(node)
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined || following.includes(node)) {
        problems.push(problemAt(at, `*${node.source} refers to nothing, or to itself`))
        return { kind: 'scalar', at, value: null, source: '', substituted: false, unset: [] }
      }
      following.push(node)
      const tree = convert(target, path, fallback)
      following.pop()
      return tree
    }
    if (isMap(node)) {
      const entries = new Map<string, { key: Position; value: Tree }>()
      for (const pair of node.items) {
        const keyNode = pair.key as YamlNode | null
        note(keyNode)
        const key = isScalar(keyNode) ? keyText(keyNode) : String(keyNode)
        const offset = keyNode?.range?.[0] ?? fallback
        if (key === '<<') {
          for (const [name, entry] of mergedEntries(convert(pair.value as YamlNode | null, path, offset))) {
            if (!entries.has(name)) {
              entries.set(name, entry)
            }
          }
          continue
        }
        const inner = joinPath(path, key)
        const value = convert(pair.value as YamlNode | null, inner, offset)
        entries.set(key, { key: position(offset, inner), value })
      }
      return { kind: 'map', at, entries }
    }
    if (isSeq(node)) {
      const items = node.items.map((item, i) => convert(item as YamlNode | null, joinPath(path, i), fallback))
      return { kind: 'list', at, items }
    }
    if (isScalar(node)) {
      return { kind: 'scalar', at, ...substitute(node.value, sourceOf(text, node.range), env) }
    }
    return { kind: 'scalar', at, value: null, source: '', substituted: false, unset: [] }
  }
  try {
    return { tree: convert(document.contents as YamlNode, '', 0), problems }
  } catch (error) {
    if (error instanceof TooMuch) {
      return { tree: null, problems: [...problems, error.problem] }
    }
    throw error
  }
}

/** More values than a file of ten thousand topics takes from its anchors. */
const maxAliased = 200_000
const tooMuch = `and other aliases expand to more than ${maxAliased.toLocaleString('en')} values; use fewer aliases`

class TooMuch extends Error {
  readonly problem: PlatformProblem

  constructor(problem: PlatformProblem) {
    super(problem.message)
    this.problem = problem
  }
}

/** Keys are names: `1.10`, `null` and `true` are used as text, not with their YAML types. */
function keyText({ value, source }: Scalar): string {
  return typeof value === 'string' ? value : (source ?? String(value))
}

/** The source text of a scalar, with quotes; a long one is cut. */
function sourceOf(text: string, range: readonly number[] | null | undefined): string {
  const source = range ? text.slice(range[0], range[1]) : ''
  return source.length > 80 ? `${source.slice(0, 79)}…` : source
}

/** What `<<: *base` or `<<: [*a, *b]` brings in; earlier maps win, as the merge key's specification says. */
function* mergedEntries(tree: Tree): Generator<[string, { key: Position; value: Tree }]> {
  if (tree.kind === 'map') {
    yield* tree.entries
  } else if (tree.kind === 'list') {
    for (const item of tree.items) {
      yield* mergedEntries(item)
    }
  }
}

/** After the first syntax error the parser only stumbles on; doubled keys are each a mistake of their own. */
function independent(errors: readonly YAMLParseError[]): YAMLParseError[] {
  const first = errors.find(({ code }) => code !== 'DUPLICATE_KEY')
  return errors.filter((error) => error === first || error.code === 'DUPLICATE_KEY')
}

const reference = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g

function substitute(value: unknown, source: string, env: Environment): Omit<ScalarTree, 'kind' | 'at'> {
  if (typeof value !== 'string') {
    const known = typeof value === 'number' || typeof value === 'boolean' || value === null
    return { value: known ? value : String(value), source, substituted: false, unset: [] }
  }
  const unset: string[] = []
  const text = value.replace(reference, (match, name?: string, otherwise?: string) => {
    if (name === undefined) {
      return '${'
    }
    // Like a shell's `:-`: a variable that is set to nothing counts as not set.
    const found = env[name] || otherwise
    if (found === undefined) {
      unset.push(name)
      return match
    }
    return found
  })
  return { value: text, source: source || value, substituted: text !== value, unset }
}

/** The value of a key of a map, undefined where there is none. */
export function get(tree: Tree | undefined, ...keys: readonly string[]): Tree | undefined {
  let at = tree
  for (const key of keys) {
    at = at?.kind === 'map' ? at.entries.get(key)?.value : undefined
  }
  return at
}

/** Entries of a map in the order of the file; none for anything else. */
export function entriesOf(tree: Tree | undefined): [string, { readonly key: Position; readonly value: Tree }][] {
  return tree?.kind === 'map' ? [...tree.entries] : []
}

/** Lays trees over one another: maps are merged key by key, anything else is replaced by the later one. */
export function overlay(...layers: readonly (Tree | undefined)[]): Tree | undefined {
  let result: Tree | undefined
  for (const layer of layers) {
    if (layer === undefined) {
      continue
    }
    if (result?.kind !== 'map' || layer.kind !== 'map') {
      // `user.events:` with nothing after it is a map with nothing in it.
      result = result?.kind === 'map' && isEmpty(layer) ? result : layer
      continue
    }
    const entries = new Map(result.entries)
    for (const [key, entry] of layer.entries) {
      const merged = overlay(entries.get(key)?.value, entry.value)!
      entries.set(key, { key: entry.key, value: merged })
    }
    result = { ...layer, entries }
  }
  return result
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null && tree.source === ''
}

/** Every scalar of a tree. */
export function* scalars(tree: Tree): Generator<ScalarTree> {
  switch (tree.kind) {
    case 'scalar':
      yield tree
      return
    case 'list':
      for (const item of tree.items) {
        yield* scalars(item)
      }
      return
    case 'map':
      for (const { value } of tree.entries.values()) {
        yield* scalars(value)
      }
      return
    default:
      return tree satisfies never
  }
}
