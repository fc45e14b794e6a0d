/** A module that is loaded when something of it is first asked for. */
export function later(load: () => object): object {
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
