// The Prometheus JMX agent that the image brings, with the rules that the chart gives it, and what it says of Apache Kafka.
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { checkIntegrity, onceInCache, ToolUnavailable } from '../deployment/static/fetch.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The jar that the Dockerfile pins, in the cache. @throws ToolUnavailable when Maven cannot fetch it. */
export async function fetchJmxAgent(): Promise<string> {
  const dockerfile = await readFile(join(root, 'infra/kafka/Dockerfile'), 'utf8')
  const version = /^ARG JMX_AGENT_VERSION=(\S+)/m.exec(dockerfile)![1]!
  const sha256 = /^ARG JMX_AGENT_SHA256=(\S+)/m.exec(dockerfile)![1]!
  const folder = join(cacheDir(), 'jmx-agent', version)
  const jar = join(folder, 'jmx_prometheus_javaagent.jar')
  await onceInCache(folder, async (partial) => {
    const result = await run('mvn', [
      ...['--batch-mode', '--quiet', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:${version}`, `-DoutputDirectory=${partial}`],
    ])
    if (result.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch the JMX agent ${version}:\n${result.stdout}`)
    const file = join(partial, `jmx_prometheus_javaagent-${version}.jar`)
    await checkIntegrity(file, `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`)
    await copyFile(file, join(partial, 'jmx_prometheus_javaagent.jar'))
  })
  return jar
}

/** The chart's rules for a broker, with metrics by topic. */
export async function jmxRules(): Promise<string> {
  const template = await readFile(join(root, 'infra/k8s/kafka/helm/templates/kafka/_jmx.tpl'), 'utf8')
  const rules = template.slice(template.indexOf('lowercaseOutputName:'))
  // The only directives are the condition around the metrics by topic, and the end.
  return rules.replaceAll(/^.*\{\{.*\n/gm, '')
}

/** The chart's rules for a service: `connect`, `ksqldb`, `schemaRegistry`. They have no directives. */
export async function jmxRulesOf(service: 'connect' | 'ksqldb' | 'schemaRegistry'): Promise<string> {
  const template = await readFile(join(root, 'infra/k8s/kafka/helm/templates/platform/_jmx.tpl'), 'utf8')
  const text = template.split(`{{- define "selfmonitor.${service}.jmx" -}}\n`)[1]?.split('{{ end -}}')[0]
  if (text === undefined) throw new Error(`_jmx.tpl has no selfmonitor.${service}.jmx`)
  return text
}

export interface ScrapedMetric {
  readonly type: string
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

/** Reads a text in Prometheus' format. @returns the metrics by name */
export function parseMetrics(text: string): ReadonlyMap<string, ScrapedMetric> {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]))
  const samples = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels = '', value]) => ({
    name: name!,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]),
    ),
    value: Number(value),
  }))
  const byName = Map.groupBy(samples, ({ name }) => name)
  return new Map(
    [...types].map(([name, type]) => [
      name,
      { type, samples: (byName.get(name) ?? []).map(({ labels, value }) => ({ labels, value })) },
    ]),
  )
}
