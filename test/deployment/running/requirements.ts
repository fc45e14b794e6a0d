// The requirements for starting pods on this machine: root, Linux namespaces, runc, ip, nft, Java and Maven.
import { missingTool } from '../../support/tools.ts'

/** Why no cluster can be started here, or null when it can. In CI anything missing throws instead. */
export function missingForCluster(): string | null {
  if (process.platform !== 'linux') return refuse('namespaces of Linux are needed')
  if (process.getuid?.() !== 0) return refuse('starting pods needs root')
  return (
    missingTool('runc') ??
    missingTool('ip', '-V') ??
    missingTool('nft') ??
    missingTool('mount') ??
    missingTool('java', '-version') ??
    missingTool('mvn')
  )
}

function refuse(reason: string): string {
  if (process.env.CI) throw new Error(`${reason}; in CI the running proof has to run`)
  return reason
}
