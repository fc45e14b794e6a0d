// Errors of a registry's options.

/** The options do not fit together; the message says what to change. */
export class RegistryOptionsError extends Error {
  readonly code = 'REGISTRY_OPTIONS'
  readonly option: string

  constructor(option: string, message: string) {
    super(`${option}: ${message}`)
    this.option = option
  }
}
