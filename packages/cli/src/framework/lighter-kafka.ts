// Loads less of @platformatic/kafka, whose one entry brings every version of every API (280 modules), a registry client with
// Avro and three kinds of JSON Schema, and 40 compiled validators: most of what a command costs that asks one question.
// Each rule changes how one module of the client is loaded, never what it does; a release without such a module, or with
// another text in it, loads as it would.
import { registerHooks } from 'node:module'

type Validator = ((data: unknown) => boolean) & { errors?: unknown }

interface Ajv {
  addKeyword(keyword: object): unknown
  compile(schema: object): Validator
}

/**
 * Runs in the module that exports `ajv`, the one instance that the others compile with: makes it when it is first asked for
 * anything, and compiles each validator when that is first called. Must stand alone: its text is put there.
 */
function ajvLater(create: () => Ajv): Ajv {
  const keywords: object[] = []
  let ajv: Ajv | undefined
  const made = (): Ajv => {
    if (ajv === undefined) {
      ajv = create()
      for (const keyword of keywords) ajv.addKeyword(keyword)
    }
    return ajv
  }
  const first: Ajv = {
    addKeyword: (keyword) => (ajv === undefined ? keywords.push(keyword) : ajv.addKeyword(keyword)),
    compile(schema) {
      let compiled: Validator | undefined
      const validate: Validator = (data) => {
        compiled ??= made().compile(schema)
        const valid = compiled(data)
        validate.errors = compiled.errors
        return valid
      }
      return validate
    },
  }
  return new Proxy(first, {
    get: (own, key) => {
      if (Reflect.has(own, key)) return Reflect.get(own, key)
      const value = Reflect.get(made(), key)
      return typeof value === 'function' ? value.bind(made()) : value
    },
  })
}

/** Runs in the modules that list API versions: loads a version when something of it is first asked for. */
function loadLater(load: () => object): object {
  let loaded: object | undefined
  const module = (): object => {
    loaded ??= load()
    return loaded
  }
  return new Proxy(Object.create(null), {
    get: (_, key) => Reflect.get(module(), key),
    has: (_, key) => Reflect.has(module(), key),
    ownKeys: () => Reflect.ownKeys(module()),
    getOwnPropertyDescriptor: (_, key) => ({ ...Reflect.getOwnPropertyDescriptor(module(), key), configurable: true }),
  })
}

const requireHere = `import { createRequire as requireOf } from 'node:module'\nconst requireHere = requireOf(import.meta.url)\n`
const versionLine = /^export \* as (\w+) from "(\.\/[\w-]+\.js)";$/gm

/** By the end of a module's address: its text as we load it, null where it is not as we know it. */
const rules: readonly (readonly [RegExp, (source: string) => string | null])[] = [
  // Unless a client is `strict`, and ours are not, no validator is asked anything.
  [
    /\/@platformatic\/kafka\/dist\/utils\.js$/,
    (source) => {
      const imported = "import { Ajv2020 } from 'ajv/dist/2020.js';"
      const made = /^export const ajv = new Ajv2020\((.*)\);$/m
      return source.includes(imported) && made.test(source)
        ? `${requireHere}${ajvLater}\n${source
            .replace(imported, '')
            .replace(made, "export const ajv = ajvLater(() => new (requireHere('ajv/dist/2020.js').Ajv2020)($1))")}`
        : null
    },
  ],
  [
    /\/@platformatic\/kafka\/dist\/apis\/(admin|consumer|metadata|producer|security|telemetry)\/index\.js$/,
    (source) =>
      versionLine.test(source)
        ? `${requireHere}const loadLater = ${loadLater}\n${source.replace(versionLine, 'export const $1 = loadLater(() => requireHere("$2"))')}`
        : null,
  ],
  // Nothing here uses its registry client: we have our own.
  [
    /\/@platformatic\/kafka\/dist\/registries\/index\.js$/,
    (source) => {
      const other = 'export * from "./confluent-schema-registry.js";'
      return source.includes(other) ? source.replace(other, '') : null
    },
  ],
  // Its native checksum asks Node for a report of the whole process, to know which C library there is.
  [
    /\/@platformatic\/kafka\/dist\/protocol\/crc32c\.js$/,
    (source) => {
      const atOnce = 'export const crc32c = loadNativeCRC32C() ?? wasmCRC32C;'
      return source.includes(atOnce)
        ? source.replace(
            atOnce,
            'let chosen\nexport const crc32c = (data) => (chosen ??= loadNativeCRC32C() ?? wasmCRC32C)(data)',
          )
        : null
    },
  ],
  // 50 languages, of which one is used and has been imported already.
  [
    /\/zod\/v4\/locales\/index\.js$/,
    (source) =>
      source.includes('export { default as en } from "./en.js";') ? 'export { default as en } from "./en.js";' : null,
  ],
  // One structure of 45.
  [
    /\/@platformatic\/kafka\/dist\/protocol\/murmur2\.js$/,
    (source) => {
      const all = "import { LRUCache } from 'mnemonist';"
      return source.includes(all)
        ? `${requireHere}${source.replace(all, "const LRUCache = requireHere('mnemonist/lru-cache.js')")}`
        : null
    },
  ],
]

/** To be called before anything imports @platformatic/kafka. */
export function loadLessOfKafka(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const rule = rules.find(([name]) => name.test(url))
      const loaded = nextLoad(url, context)
      const source = rule?.[1](String(loaded.source)) ?? null
      return source === null ? loaded : { ...loaded, source }
    },
  })
}
