#!/usr/bin/env node
// Starts the command: the built one where it is installed, the TypeScript sources in a checkout.
import module from 'node:module'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 6)) {
  process.stderr.write(`error selfmonitor needs Node 24.6 or newer, this is ${process.versions.node}.\n`)
  process.stderr.write(
    import.meta.url.includes('/node_modules/')
      ? '      `npm install --save-dev node@24` gives this project one: use `npx selfmonitor` after that.\n'
      : '      In this checkout `npm ci` brings one: use `npx selfmonitor` or `npm run selfmonitor --`.\n',
  )
  process.exit(1)
}

// Before the first source is read: Node would load its TypeScript parser only to find out that it is not needed.
module.enableCompileCache()

if (import.meta.url.includes('/node_modules/')) {
  await import(new URL('../dist/main.js', import.meta.url).href)
} else {
  // As `node --conditions=source` would: the packages of the workspace resolve to their sources.
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ['source', ...(context.conditions ?? [])] }),
  })
  await import(new URL('../src/main.ts', import.meta.url).href)
}
