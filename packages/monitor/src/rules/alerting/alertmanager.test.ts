// Alertmanager's configuration, checked and routed by amtool, and sent by a real Alertmanager.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '@selfmonitor/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { missingPrometheus, runMonitoringTool, startAlertmanager } from '../../../../../test/support/prometheus.ts'
import { type AlertmanagerConfig, alertmanagerConfig, alertmanagerTemplates, templateFile } from './alertmanager.ts'

const topic = (name: string, owner?: string) => ({
  name,
  partitions: 1,
  replicationFactor: 1,
  config: {},
  eventTypes: {},
  ...(owner === undefined ? {} : { owner }),
})
const platform: Platform = {
  file: 'platform.yaml',
  environment: 'production',
  topics: [topic('shop.orders', 'shop'), topic('shop.carts'), topic('billing.invoices', 'money')],
  services: [
    { name: 'checkout', produces: [], consumes: ['shop.carts'], group: 'checkout-v2', owner: 'shop' },
    { name: 'billing', produces: [], consumes: ['shop.orders'], group: 'billing', owner: 'money' },
  ],
  owners: [
    { name: 'platform', slack: '#kafka-support', pagerduty: 'on-call', email: ['platform@example.com'] },
    { name: 'shop', slack: '#shop' },
    { name: 'money', pagerduty: 'money', email: ['money@example.com', 'lead@example.com'] },
  ],
  alerting: {
    owner: 'platform',
    smtp: { smarthost: 'mail.example.com:587', from: 'kafka@example.com', username: 'kafka' },
  },
}
const { config, secrets } = alertmanagerConfig(platform)!
const receiver = (name: string) => config.receivers.find((one) => one.name === name) as Record<string, unknown>

describe('the configuration of Alertmanager', () => {
  it('names a file for every secret', () => {
    expect(secrets.toSorted()).toEqual([
      'pagerduty-money',
      'pagerduty-on-call',
      'slack-kafka-support',
      'slack-shop',
      'smtp-password',
    ])
    const files = [...stringify(config).matchAll(/(\w+_file): (.*)/g)].map(([, key, path]) => [key, path])
    expect(new Set(files.map(([, path]) => path))).toEqual(
      new Set(secrets.map((name) => `/etc/alertmanager/secrets/${name}`)),
    )
    expect(stringify(alertmanagerConfig(platform, { secretsDir: '/run/secrets' })!.config)).toContain(
      '/run/secrets/slack-shop',
    )
  })

  it('has a file for each channel, also where names differ in a sign only', () => {
    const owners = ['#team_a', '#team-a', '#team.a'].map((slack, at) => ({ name: `owner-${at}`, slack }))
    expect(alertmanagerConfig({ ...platform, owners, alerting: { owner: 'owner-0' } })!.secrets).toEqual([
      'slack-team_a',
      'slack-team-a',
      'slack-team.a',
    ])
  })

  it('wakes a person for critical alerts: the owner’s, or the platform’s where the owner has no pager', () => {
    const key = (name: string) =>
      (receiver(name).pagerduty_configs as { routing_key_file: string }[] | undefined)?.map(
        (one) => one.routing_key_file,
      )
    expect(key('platform-critical')).toEqual(['/etc/alertmanager/secrets/pagerduty-on-call'])
    expect(key('shop-critical')).toEqual(['/etc/alertmanager/secrets/pagerduty-on-call'])
    expect(key('money-critical')).toEqual(['/etc/alertmanager/secrets/pagerduty-money'])
    for (const name of ['platform', 'shop', 'money']) expect(key(`${name}-warning`)).toBeUndefined()
  })

  it('sends warnings to a channel, or by mail where there is none', () => {
    expect(Object.keys(receiver('platform-warning'))).toEqual(['name', 'slack_configs'])
    expect(Object.keys(receiver('money-warning'))).toEqual(['name', 'email_configs'])
    expect((receiver('money-warning').email_configs as { to: string }[]).map(({ to }) => to)).toEqual([
      'money@example.com',
      'lead@example.com',
    ])
  })

  it('is none where the file does not say who gets alerts about the cluster', () => {
    expect(alertmanagerConfig({ ...platform, alerting: {} })).toBeNull()
    expect(alertmanagerConfig({ ...platform, owners: undefined })).toBeNull()
  })
})

describe.skipIf(missingPrometheus() !== null)('amtool', () => {
  let folder: string
  let file: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfmonitor-amtool-'))
    file = join(folder, 'alertmanager.yml')
    writeFileSync(file, stringify(config))
    writeFileSync(join(folder, templateFile), alertmanagerTemplates)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('accepts the configuration and its templates', async () => {
    const { exitCode, stdout, stderr } = await runMonitoringTool('amtool', ['check-config', file])
    expect({ exitCode, said: stdout + stderr }).toMatchObject({
      exitCode: 0,
      said: expect.stringMatching(/1 templates\s+SUCCESS/),
    })
  })

  const platformAlert = { audience: 'platform', cluster: 'c' }
  const ownerAlert = { audience: 'owner', cluster: 'c' }
  it.each([
    [
      'a broker that is down',
      { ...platformAlert, alertname: 'KafkaBrokerDown', severity: 'critical' },
      'platform-critical',
    ],
    ['a disk', { ...platformAlert, alertname: 'KafkaDiskUsage', severity: 'warning', broker: '1' }, 'platform-warning'],
    [
      'a topic that is offline, with any owner',
      { ...platformAlert, severity: 'critical', topic: 'shop.orders' },
      'platform-critical',
    ],
    [
      'a group, by its service',
      { ...ownerAlert, severity: 'warning', group: 'checkout-v2', topic: 'shop.carts' },
      'shop-warning',
    ],
    [
      'a group on the topic of another owner',
      { ...ownerAlert, severity: 'warning', group: 'billing', topic: 'shop.orders' },
      'money-warning',
    ],
    [
      'messages lost by a group',
      { ...ownerAlert, severity: 'critical', group: 'billing', topic: 'shop.orders' },
      'money-critical',
    ],
    ['a topic', { ...ownerAlert, severity: 'warning', topic: 'billing.invoices' }, 'money-warning'],
    ['a topic without an owner', { ...ownerAlert, severity: 'warning', topic: 'shop.carts' }, 'platform-warning'],
    [
      'a group that the file does not know, on a topic without an owner',
      { ...ownerAlert, severity: 'critical', group: 'x', topic: 'shop.carts' },
      'platform-critical',
    ],
    [
      'a name that only resembles one',
      { ...ownerAlert, severity: 'warning', topic: 'shop-orders' },
      'platform-warning',
    ],
    [
      'an objective, by its own owner',
      { ...ownerAlert, severity: 'critical', owner: 'shop', group: 'billing', sloth_id: 'x' },
      'shop-critical',
    ],
    ['what is only information', { ...ownerAlert, severity: 'info', topic: 'shop.orders' }, 'none'],
  ])('routes %s', async (_what, labels, to) => {
    const { exitCode, stdout, stderr } = await runMonitoringTool('amtool', [
      ...['config', 'routes', 'test', `--config.file=${file}`, `--verify.receivers=${to}`],
      ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    ])
    expect({ exitCode, said: stdout + stderr }).toMatchObject({ exitCode: 0 })
  })
})

describe.skipIf(missingPrometheus() !== null)('a real Alertmanager', () => {
  it('sends one message for a broken broker, to its channel, without what follows from it', async () => {
    const received: { readonly channel: string; readonly attachments: readonly { title: string; text: string }[] }[] =
      []
    const slack = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        received.push(JSON.parse(body))
        response.end('ok')
      })
    })
    await new Promise<void>((resolve) => slack.listen(0, '127.0.0.1', resolve))
    const { port } = slack.address() as { port: number }
    const only: Platform = {
      ...platform,
      owners: [{ name: 'platform', slack: '#kafka-support' }],
      alerting: { owner: 'platform' },
    }
    const made = alertmanagerConfig(only, { secretsDir: '.' })!.config
    const alertmanager = await startAlertmanager({
      files: {
        'alertmanager.yml': stringify(hurried(made)),
        [templateFile]: alertmanagerTemplates,
        'slack-kafka-support': `http://127.0.0.1:${port}/hook`,
      },
    })
    try {
      const alert = (alertname: string, severity: string, summary: string, more: Record<string, string> = {}) => ({
        labels: { alertname, severity, audience: 'platform', cluster: 'c', ...more },
        annotations: { summary, runbook_url: `https://docs.example.com/alerts#${alertname.toLowerCase()}` },
      })
      const answer = await fetch(`${alertmanager.url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([
          alert('KafkaBrokerDown', 'critical', 'Kafka c has 2 brokers of 3'),
          alert('KafkaUnderReplicatedPartitions', 'warning', 'Kafka c has 40 under-replicated partitions'),
          ...Array.from({ length: 50 }, (_, at) =>
            alert('KafkaUnderMinIsr', 'critical', `topic-${at} is below min.insync.replicas`, { topic: `topic-${at}` }),
          ),
        ]),
      })
      expect(answer.status).toBe(200)
      await expect.poll(() => received.length, { timeout: 30_000 }).toBe(1)
      const [message] = received
      expect(message!.channel).toBe('#kafka-support')
      expect(message!.attachments[0]!.title).toBe('[FIRING 51] Kafka on c')
      expect(message!.attachments[0]!.text).toContain(
        'Kafka c has 2 brokers of 3  <https://docs.example.com/alerts#kafkabrokerdown|runbook>',
      )
      expect(message!.attachments[0]!.text).not.toContain('under-replicated')
      // What is held back is held back by the broker.
      const held = await alertmanager.get<{ labels: Record<string, string>; status: { inhibitedBy: string[] } }[]>(
        '/api/v2/alerts?inhibited=true&active=false',
      )
      expect(held.map(({ labels }) => labels.alertname)).toEqual(['KafkaUnderReplicatedPartitions'])
    } finally {
      await alertmanager.stop()
      await new Promise((resolve) => slack.close(resolve))
    }
  })
})

/** The same without the half minute that groups wait. */
function hurried(made: AlertmanagerConfig): AlertmanagerConfig {
  return { ...made, route: { ...made.route, group_wait: '1s' } }
}
