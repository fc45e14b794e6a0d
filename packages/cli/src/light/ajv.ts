// In place of `ajv/dist/2020.js`: an Ajv that is made, and compiles each of its validators, when one is first called.
import { clientRequire } from './client-require.ts'

type Validator = ((data: unknown) => boolean) & { errors?: unknown }

interface RealAjv {
  addKeyword(keyword: object): unknown
  compile(schema: object): Validator
  errorsText(errors?: unknown, options?: object): string
}

export class Ajv2020 {
  readonly #options: object
  readonly #keywords: object[] = []
  #ajv: RealAjv | undefined

  constructor(options: object) {
    this.#options = options
  }

  addKeyword(keyword: object): this {
    this.#keywords.push(keyword)
    return this
  }

  compile(schema: object): Validator {
    let compiled: Validator | undefined
    const validate: Validator = (data) => {
      compiled ??= this.#real().compile(schema)
      const isValid = compiled(data)
      validate.errors = compiled.errors
      return isValid
    }
    return validate
  }

  errorsText(errors?: unknown, options?: object): string {
    return this.#real().errorsText(errors, options)
  }

  #real(): RealAjv {
    if (this.#ajv === undefined) {
      const { Ajv2020: Real } = clientRequire('ajv/dist/2020.js') as { Ajv2020: new (options: object) => RealAjv }
      this.#ajv = new Real(this.#options)
      for (const keyword of this.#keywords) this.#ajv.addKeyword(keyword)
    }
    return this.#ajv
  }
}
