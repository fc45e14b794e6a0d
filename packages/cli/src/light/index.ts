// Which modules a command loads in place of others. @platformatic/kafka has one entry, which brings every version of every API
// (280 modules), a registry client with Avro and three kinds of JSON Schema, and 40 compiled validators: two thirds of the start-up
// cost of a command with one request. Each row of the table redirects one import of one module to a module that loads it on first
// use, or to the part of it that is used. An import that another release does not have is loaded without redirection.
import { readdirSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

interface Redirection {
  /** Who imports: the end of its address, or a folder. */
  readonly from: RegExp
  readonly specifier: RegExp
  /** Where it leads: a module of this folder, another specifier, or the lazy form of the folder that is imported. */
  readonly to: { readonly own: string } | { readonly specifier: string } | 'lazy'
}

const client = '/@platformatic/kafka/dist/'
const redirections: readonly Redirection[] = [
  // Only `strict` clients use the validators, and ours are not strict.
  { from: ending(`${client}utils.js`), specifier: /^ajv\/dist\/2020\.js$/, to: { own: 'ajv' } },
  { from: ending(`${client}apis/index.js`), specifier: /^\.\/\w+\/index\.js$/, to: 'lazy' },
  // Nothing here uses its registry client: we have our own.
  { from: ending(`${client}index.js`), specifier: /^\.\/registries\/index\.js$/, to: { own: 'nothing' } },
  // When a native package is loaded, it asks Node for a report of the whole process to find the C library.
  { from: ending(`${client}protocol/crc32c.js`), specifier: /^@node-rs\/crc32$/, to: { own: 'crc32' } },
  // One structure of 45.
  { from: ending(`${client}protocol/murmur2.js`), specifier: /^mnemonist$/, to: { own: 'mnemonist' } },
  // 50 languages, of which one is used.
  { from: /\/zod\/v4\//, specifier: /\/locales\/index\.js$/, to: { specifier: '../locales/en.js' } },
]

function ending(path: string): RegExp {
  return new RegExp(`${path.replaceAll('.', '\\.')}$`)
}

const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

/** To be called before anything imports @platformatic/kafka. Only imports of this process are redirected. */
export function loadLightModules(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const row = redirections.find(
        ({ from, specifier: wanted }) => wanted.test(specifier) && from.test(context.parentURL ?? ''),
      )
      if (row === undefined) return next(specifier, context)
      if (row.to === 'lazy') {
        const source = lazyFolder(next(specifier, context).url)
        return { url: `data:text/javascript,${encodeURIComponent(source)}`, format: 'module', shortCircuit: true }
      }
      if ('specifier' in row.to) return next(row.to.specifier, context)
      return next(new URL(`./${row.to.own}${extension}`, import.meta.url).href, context)
    },
  })
}

/**
 * The text of a module (a `data:` URL) that exports each module of a folder by its name, as the folder's index does: `create-topics-v7.js` as
 * `createTopicsV7`. A module is loaded when something of it is first asked for.
 */
function lazyFolder(index: string): string {
  const files = readdirSync(new URL('.', index)).filter((name) => name.endsWith('.js') && name !== 'index.js')
  const name = (file: string): string =>
    file.slice(0, -'.js'.length).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return [
    `import { createRequire } from 'node:module'`,
    `import { later } from ${JSON.stringify(new URL(`./later${extension}`, import.meta.url).href)}`,
    `const require = createRequire(${JSON.stringify(fileURLToPath(index))})`,
    ...files.map((file) => `export const ${name(file)} = later(() => require('./${file}'))`),
  ].join('\n')
}
