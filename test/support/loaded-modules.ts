// The modules that a script loads, measured in a separate process.
import { execFileSync } from 'node:child_process'

/**
 * @param script the text of a module; what it prints on standard output is lost
 * @param folder whose packages it sees: `import.meta.dirname` of the test
 * @returns the addresses of the modules that it loaded, in their order, CommonJS and native ones too
 */
export function modulesLoadedBy(script: string, folder: string): string[] {
  const watch = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    ${script}
    console.log(JSON.stringify(loaded))`
  const args = ['--conditions=source', '--input-type=module', '--eval', watch]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })) as string[]
}
