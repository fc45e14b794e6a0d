// The facts that a pod learns about itself, as `key=value` lines. A shell script reads them, so a value is only written when it
// cannot be anything but what it should be.
import { rename, rm, writeFile } from 'node:fs/promises'
import { isIP, isIPv6 } from 'node:net'
import { KubernetesError } from '../errors.ts'

export interface Facts {
  /** `broker.rack` */
  readonly rack?: string
  readonly external?: { readonly host: string; readonly port: number }
}

const zone = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const hostname = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/

/**
 * The lines of the file, checked.
 * @throws KubernetesError FACT_INVALID
 */
export function formatFacts({ rack, external }: Facts): string {
  const lines: string[] = []
  if (rack !== undefined) {
    if (!zone.test(rack)) throw invalid('rack', rack, 'a label value: letters, digits, ".", "_" and "-"')
    lines.push(`rack=${rack}`)
  }
  if (external !== undefined) {
    const { host, port } = external
    if (isIP(host) === 0 && (!hostname.test(host) || host.length > 253)) {
      throw invalid('external.host', host, 'a host name or an IP address')
    }
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('external.port', String(port), '1 to 65535')
    // As written in advertised.listeners.
    lines.push(`external.host=${isIPv6(host) ? `[${host}]` : host}`, `external.port=${port}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function invalid(fact: string, value: string, wanted: string): KubernetesError {
  return new KubernetesError('FACT_INVALID', `${fact} would be ${JSON.stringify(value)}, which is not ${wanted}.`, {
    reason: 'invalid',
    hint: 'Correct the label or the Service that it comes from.',
  })
}

/** Writes the whole file or nothing. */
export async function writeFacts(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`
  try {
    await writeFile(partial, text, { mode: 0o644, flush: true })
    await rename(partial, file)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new KubernetesError('FACT_INVALID', `Cannot write ${file}: ${(cause as Error).message}`, {
      hint: 'Its folder must be a volume that this pod may write to.',
      cause,
    })
  }
}
