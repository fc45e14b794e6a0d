// Which test files want the shared Apache Kafka: those that inject it, or import a helper that does. Starting it costs seconds, and
// most runs while one works are of a file or two.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** @param files paths of test files @returns whether any of them uses the Apache Kafka that the run shares */
export function wantsApache(files: readonly string[]): boolean {
  const seen = new Set<string>()
  const pending = [...files]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file) || !existsSync(file)) continue
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    if (text.includes("inject('apache')")) return true
    for (const [, specifier] of text.matchAll(/from '(\.[^']+\.ts)'/g)) pending.push(resolve(dirname(file), specifier!))
  }
  return false
}
