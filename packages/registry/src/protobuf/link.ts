// Finds what the names in a file mean: in the file, in what it imports, and in what those import publicly.
import { type Element, type Features, resolveFeatures } from './features.ts'
import { knownTexts } from './known.generated.ts'
import {
  type Enum,
  type Field,
  isScalar,
  type Message,
  maxNameLength,
  type Position,
  ProtobufError,
  type ProtoFile,
  type TypeUse,
} from './model.ts'
import { parseProto } from './parse.ts'

export type SymbolKind =
  | 'message'
  | 'enum'
  | 'value'
  | 'field'
  | 'extension'
  | 'oneof'
  | 'service'
  | 'method'
  | 'package'

export interface ProtoSymbol {
  readonly kind: SymbolKind
  readonly fullName: string
  readonly type: Message | Enum | undefined
  readonly extension: Field | undefined
}

/** A file whose names are resolved. */
export interface LinkedFile {
  readonly path: string
  readonly file: ProtoFile
  readonly imports: readonly LinkedFile[]
  /** This file, its imports, and what those import publicly. */
  readonly visible: ReadonlySet<LinkedFile>
  /** What this file declares, by full name. */
  readonly symbols: ReadonlyMap<string, ProtoSymbol>
  readonly features: ReadonlyMap<Element, Features>
}

/** The path of the schema itself, which has no name in a registry. */
export const ownPath = 'default'

const knownFiles = new Map<string, LinkedFile>()

/** One of the files that need no reference; parsed once in a process. */
export function knownFile(path: string): LinkedFile | undefined {
  const text = Object.hasOwn(knownTexts, path) ? knownTexts[path] : undefined
  if (text === undefined) return undefined
  let file = knownFiles.get(path)
  if (!file) {
    file = linkFile(path, parseProto(text), knownFile)
    knownFiles.set(path, file)
  }
  return file
}

/**
 * @param text of the schema
 * @param references the texts that it may import, by the path it imports them by; they take precedence over the known files
 * @throws {ProtobufError}
 */
export function linkText(text: string, references: ReadonlyMap<string, string>): LinkedFile {
  return linkFile(ownPath, parseProto(text), importsFrom(references))
}

/** @returns the function that finds an imported file */
export function importsFrom(references: ReadonlyMap<string, string>): (path: string) => LinkedFile | undefined {
  const done = new Map<string, LinkedFile | 'in progress'>()
  const find = (path: string): LinkedFile | undefined => {
    const before = done.get(path)
    if (before === 'in progress') throw new ProtobufError(`File recursively imports itself: ${path}`)
    if (before) return before
    const known = references.has(path) ? undefined : knownFile(path)
    // A known file that depends on one that a reference replaces is read again, so that there is one of each.
    if (known && ![...closureOf(known)].some((one) => references.has(one.path))) return known
    const text = references.get(path) ?? (known && knownTexts[path])
    if (text === undefined) return undefined
    done.set(path, 'in progress')
    const linked = inFile(path, () => linkFile(path, parseProto(text), find))
    done.set(path, linked)
    return linked
  }
  return find
}

/** Names the file in an error that is in an imported one. */
function inFile<Result>(path: string, action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    if (error instanceof ProtobufError && error.at) throw new ProtobufError(error.problem, error.at, path)
    throw error
  }
}

export function linkFile(path: string, file: ProtoFile, find: (path: string) => LinkedFile | undefined): LinkedFile {
  const seen = new Set<string>()
  const imports = file.imports.map((one) => {
    if (seen.has(one.path)) throw new ProtobufError(`Import "${one.path}" was listed twice.`, one.at)
    seen.add(one.path)
    const found = find(one.path)
    if (!found) {
      throw new ProtobufError(`Import "${one.path}" was not found: no reference has this name.`, one.at)
    }
    return found
  })
  const symbols = new Map<string, ProtoSymbol>()
  const visible = new Set<LinkedFile>()
  const linked: LinkedFile = { path, file, imports, visible, symbols, features: resolveFeatures(file) }
  visible.add(linked)
  for (const one of imports) addPublic(one, visible)
  new Declarations(linked, symbols).add()
  new Resolver(linked).resolve()
  return linked
}

function addPublic(file: LinkedFile, visible: Set<LinkedFile>): void {
  if (visible.has(file)) return
  visible.add(file)
  file.file.imports.forEach((one, index) => {
    if (one.kind === 'public') addPublic(file.imports[index]!, visible)
  })
}

export const descriptorPath = 'google/protobuf/descriptor.proto'

/** The file that declares the messages of options: the one that `file` imports, or the known one. */
export function descriptorFileOf(file: LinkedFile): LinkedFile {
  return [...closureOf(file)].find((one) => one.path === descriptorPath) ?? knownFile(descriptorPath)!
}

/** Every file that `file` depends on, dependencies first, itself last. */
export function closureOf(file: LinkedFile, found = new Set<LinkedFile>()): ReadonlySet<LinkedFile> {
  for (const one of file.imports) if (!found.has(one)) closureOf(one, found)
  found.add(file)
  return found
}

export function joinName(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`
}

class Declarations {
  readonly #file: LinkedFile
  readonly #symbols: Map<string, ProtoSymbol>
  readonly #others: readonly LinkedFile[]

  constructor(file: LinkedFile, symbols: Map<string, ProtoSymbol>) {
    this.#file = file
    this.#symbols = symbols
    this.#others = [...closureOf(file)].filter((one) => one !== file)
  }

  add(): void {
    const { file } = this.#file
    this.#addPackage(file)
    for (const declared of file.declarations) {
      if (declared.kind === 'message') this.#message(declared, file.package)
      else if (declared.kind === 'enum') this.#enum(declared, file.package)
      else if (declared.kind === 'extend') this.#extensions(declared.fields, file.package)
      else {
        this.#add('service', declared.name, file.package, declared.at)
        const scope = joinName(file.package, declared.name)
        for (const method of declared.methods) this.#add('method', method.name, scope, method.at)
      }
    }
  }

  #addPackage({ package: name, packageAt }: ProtoFile): void {
    const parts = name === '' ? [] : name.split('.')
    for (const [index] of parts.entries()) {
      const fullName = parts.slice(0, index + 1).join('.')
      const taken = this.#others.find((other) => (other.symbols.get(fullName)?.kind ?? 'package') !== 'package')
      if (taken) {
        const problem = `"${fullName}" is already defined (as something other than a package) in file "${taken.path}".`
        throw new ProtobufError(problem, packageAt)
      }
      this.#symbols.set(fullName, { kind: 'package', fullName, type: undefined, extension: undefined })
    }
  }

  #message(message: Message, scope: string): void {
    message.fullName = joinName(scope, message.name)
    this.#add('message', message.name, scope, message.at, message)
    const inside = message.fullName
    for (const member of message.members) {
      if (member.kind === 'field') this.#field(member, inside)
      else if (member.kind === 'oneof') {
        this.#add('oneof', member.name, inside, member.at)
        for (const field of member.fields) this.#field(field, inside)
      } else if (member.kind === 'message') this.#message(member, inside)
      else if (member.kind === 'enum') this.#enum(member, inside)
      else if (member.kind === 'extend') this.#extensions(member.fields, inside)
    }
  }

  #field(field: Field, scope: string): void {
    if (field.group) this.#message(field.group, scope)
    this.#add('field', field.name, scope, field.at)
  }

  #extensions(fields: readonly Field[], scope: string): void {
    for (const field of fields) {
      if (field.group) this.#message(field.group, scope)
      this.#add('extension', field.name, scope, field.at, undefined, field)
    }
  }

  /** The values of an enum are names beside it, not in it. */
  #enum(one: Enum, scope: string): void {
    one.fullName = joinName(scope, one.name)
    this.#add('enum', one.name, scope, one.at, one)
    for (const value of one.values) this.#add('value', value.name, scope, value.at)
  }

  #add(kind: SymbolKind, name: string, scope: string, at: Position, type?: Message | Enum, extension?: Field): void {
    const fullName = joinName(scope, name)
    if (fullName.length > maxNameLength) {
      throw new ProtobufError(`The full name of "${name.slice(0, 100)}" has more than ${maxNameLength} characters.`, at)
    }
    if (this.#symbols.has(fullName)) {
      const place = scope === '' ? '' : ` in "${scope}"`
      const note =
        kind === 'value'
          ? ' Note that enum values use C++ scoping rules, meaning that enum values are siblings of their type, not children of it.'
          : ''
      throw new ProtobufError(`"${name}" is already defined${place}.${note}`, at)
    }
    const taken = this.#others.find((other) => other.symbols.has(fullName))
    if (taken) throw new ProtobufError(`"${fullName}" is already defined in file "${taken.path}".`, at)
    this.#symbols.set(fullName, { kind, fullName, type, extension })
  }
}

/**
 * Looks a name up as protoc does: the first part of it in the innermost scope that has it.
 * @param scope the full name of the message or package around the use
 */
export function lookUp(
  file: LinkedFile,
  name: string,
  scope: string,
  wanted: (symbol: ProtoSymbol) => boolean,
): ProtoSymbol | undefined {
  const find = (fullName: string): ProtoSymbol | undefined => {
    for (const one of file.visible) {
      const symbol = one.symbols.get(fullName)
      if (symbol) return symbol
    }
    return undefined
  }
  if (name.startsWith('.')) return find(name.slice(1))
  const first = name.split('.')[0]!
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
    const symbol = find(joinName(around, first))
    if (symbol && first !== name && ['message', 'package', 'enum', 'service'].includes(symbol.kind)) {
      return find(joinName(around, name))
    }
    if (symbol && first === name && wanted(symbol)) return symbol
    if (around === '') return undefined
  }
}

class Resolver {
  readonly #file: LinkedFile

  constructor(file: LinkedFile) {
    this.#file = file
  }

  resolve(): void {
    const { file } = this.#file
    for (const declared of file.declarations) {
      if (declared.kind === 'message') this.#message(declared)
      else if (declared.kind === 'extend') this.#extend(declared.extendee, declared.fields, file.package)
      else if (declared.kind === 'service') {
        for (const { input, output } of declared.methods) {
          const scope = joinName(file.package, declared.name)
          this.#type(input, scope, 'message')
          this.#type(output, scope, 'message')
        }
      }
    }
  }

  #message(message: Message): void {
    for (const member of message.members) {
      if (member.kind === 'field') this.#field(member, message.fullName)
      else if (member.kind === 'oneof') for (const field of member.fields) this.#field(field, message.fullName)
      else if (member.kind === 'message') this.#message(member)
      else if (member.kind === 'extend') this.#extend(member.extendee, member.fields, message.fullName)
    }
  }

  #field(field: Field, scope: string): void {
    if (field.group) {
      field.type.target = field.group
      this.#message(field.group)
    } else if (!isScalar(field.type.name)) this.#type(field.type, scope, 'type')
    if (field.mapKey && !isScalar(field.mapKey.name)) {
      this.#type(field.mapKey, scope, 'type')
      const kind = field.mapKey.target?.kind === 'enum' ? 'enum' : 'message'
      throw new ProtobufError(`Key in map fields cannot be ${kind} types.`, field.mapKey.at)
    }
  }

  #extend(extendee: TypeUse, fields: readonly Field[], scope: string): void {
    const message = this.#type(extendee, scope, 'message') as Message
    for (const field of fields) {
      field.extension = { extendee: message, fullName: joinName(scope, field.name) }
      this.#field(field, scope)
    }
  }

  #type(use: TypeUse, scope: string, wanted: 'type' | 'message'): Message | Enum {
    const symbol = lookUp(this.#file, use.name, scope, ({ kind }) => kind === 'message' || kind === 'enum')
    if (!symbol) throw new ProtobufError(this.#undefinedName(use.name), use.at)
    if (!symbol.type) throw new ProtobufError(`"${use.name}" is not a type.`, use.at)
    if (wanted === 'message' && symbol.kind !== 'message') {
      throw new ProtobufError(`"${use.name}" is not a message type.`, use.at)
    }
    use.target = symbol.type
    return symbol.type
  }

  #undefinedName(name: string): string {
    const bare = name.replace(/^\./, '')
    const elsewhere = [...closureOf(this.#file)].find((one) => !this.#file.visible.has(one) && one.symbols.has(bare))
    if (elsewhere) return `"${bare}" seems to be defined in "${elsewhere.path}", which is not imported. Add the import.`
    return `"${bare}" is not defined.`
  }
}
