// Prometheus and Alertmanager: the programs that `npm run prometheus` builds, statically linked, and nothing else, not even a shell.
import { monitoringTools } from '../../../support/prometheus.ts'
import type { ImageLayout } from '../types.ts'

const layout = (name: 'prometheus' | 'alertmanager'): ImageLayout => ({
  matches: (image) => new RegExp(`(^|/)prom/${name}[:@]`).test(image),
  async prepare() {
    const tools = monitoringTools()
    if (tools === null) throw new Error(`${name} is not here: npm run prometheus builds it`)
    return { mounts: { [`/bin/${name}`]: tools[name] }, env: { PATH: '/bin' }, entrypoint: [`/bin/${name}`] }
  },
})

export const prometheusImage = layout('prometheus')
export const alertmanagerImage = layout('alertmanager')
