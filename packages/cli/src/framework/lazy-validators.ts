// Keeps @platformatic/kafka from compiling its 40 validators of options when it is loaded, which takes as long as all
// else that it does then. Each is compiled when it is first asked; unless a client is `strict`, and ours are not, none is.
import { registerHooks } from 'node:module'

type Validator = ((data: unknown) => boolean) & { errors?: unknown }

/** Runs in the module that exports `ajv`, the one instance that the others compile with. Must stand alone: see below. */
function compileLater(ajv: { compile(schema: object): Validator }): void {
  const compile = ajv.compile.bind(ajv)
  ajv.compile = (schema) => {
    let compiled: Validator | undefined
    const validate: Validator = (data) => {
      compiled ??= compile(schema)
      const valid = compiled(data)
      validate.errors = compiled.errors
      return valid
    }
    return validate
  }
}

/** To be called before anything imports @platformatic/kafka. A release that has no such module loads as it would. */
export function compileKafkaValidatorsLater(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith('/@platformatic/kafka/dist/utils.js')) return loaded
      const source = String(loaded.source)
      if (!source.includes('export const ajv =')) return loaded
      return { ...loaded, source: `${source}\n;(${compileLater})(ajv)\n` }
    },
  })
}
