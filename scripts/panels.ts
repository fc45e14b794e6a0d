// npm run panels -- --prometheus http://127.0.0.1:9090 --to panels: draws every panel of the dashboards from the data of a Prometheus, a
// page for each dashboard, and a picture of it where Chromium is installed. It is not what Grafana draws: it is for judging queries,
// units, legends and titles where there is no Grafana.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { run } from '@selfmonitor/apache'
import { type Dashboard, dashboards, type Panel } from '@selfmonitor/monitor/dashboards'
import { asPrometheusReads } from '../test/monitoring/grafana-variables.ts'
import { commandPath } from '../test/support/tools.ts'
import { type Data, drawn, type Series } from './panels/draw.ts'

const { values: options } = parseArgs({
  options: {
    prometheus: { type: 'string', default: 'http://127.0.0.1:9090' },
    to: { type: 'string', default: 'panels' },
    minutes: { type: 'string', default: '60' },
    'rate-interval': { type: 'string', default: '1m' },
  },
})
const to = Math.floor(Date.now() / 1_000)
const from = to - Number(options.minutes) * 60
const points = 240
const chromium = commandPath('chromium')

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Series['labels']
      readonly value?: [number, string]
      readonly values?: [number, string][]
    }[]
  }
}

async function dataOf(panel: Panel): Promise<Data> {
  const answers = await Promise.all(
    panel.queries.map(async ({ expr }, query): Promise<Series[]> => {
      // As in the dashboards: tables and bars show the present value, in the order of the answer.
      const isInstant = panel.kind === 'table' || panel.kind === 'bars'
      const url = new URL(isInstant ? '/api/v1/query' : '/api/v1/query_range', options.prometheus)
      url.searchParams.set('query', asPrometheusReads(expr, options['rate-interval']))
      url.searchParams.set('start', String(from))
      url.searchParams.set('end', String(to))
      url.searchParams.set('step', String(Math.max(1, Math.round((to - from) / points))))
      const response = await fetch(url)
      if (!response.ok) throw new Error(`${panel.title}: ${response.status} ${await response.text()}`)
      const { data } = (await response.json()) as Answer
      return data.result.map(({ metric, value, values = [value!] }) => ({
        query,
        labels: Object.fromEntries(Object.entries(metric).filter(([name]) => name !== '__name__')),
        points: values.map(([at, value]) => [at, Number(value)] as const),
      }))
    }),
  )
  return { series: answers.flat(), from, to }
}

const style = `body{margin:8px;width:1620px;background:#111217;color:#ccccdc;font:12px sans-serif}
h1,h2{margin:8px 4px;font-size:16px}h2{font-size:14px}.row{display:flex;flex-wrap:wrap}
.panel{box-sizing:border-box;overflow:hidden;border:1px solid #333;padding:6px;background:#181b1f}
.title{font-weight:bold;margin-bottom:4px}text{fill:#aaa;font-size:11px}.none{text-align:center;padding:24px 8px;color:#888}
.stats{display:flex;justify-content:space-around;height:75%;align-items:center}.stat{font-size:26px;text-align:center}.name{font-size:12px}
table{border-collapse:collapse;width:100%}td,th{padding:1px 6px;text-align:left}.rows td,.rows th{border-bottom:1px solid #333;padding:4px}
.bar{width:60%}.bar b{display:block;height:14px}i{display:inline-block;width:12px;height:3px;margin-right:5px;vertical-align:middle}`

async function pageOf({ title, rows }: Dashboard): Promise<string> {
  const parts: string[] = []
  for (const row of rows) {
    const panels = await Promise.all(
      row.panels.map(
        async (panel) =>
          `<div class="panel" style="width:${(panel.width / 24) * 100}%;height:${panel.height * 32}px"><div class="title">${panel.title}</div>${drawn(panel, await dataOf(panel))}</div>`,
      ),
    )
    parts.push(`<h2>${row.title}</h2><div class="row">${panels.join('')}</div>`)
  }
  return `<!doctype html><meta charset="utf-8"><style>${style}</style><h1>${title}</h1>${parts.join('')}`
}

await mkdir(options.to, { recursive: true })
for (const dashboard of dashboards) {
  const file = join(options.to, `${dashboard.uid}.html`)
  await writeFile(file, await pageOf(dashboard))
  console.log(file)
  if (chromium === undefined) continue
  const height = dashboard.rows.reduce(
    (sum, { panels }) => sum + 40 + (panels.reduce((area, { width, height: h }) => area + width * h, 0) / 24) * 40,
    120,
  )
  const picture = file.replace(/html$/, 'png')
  await run(
    chromium,
    [
      '--headless',
      '--no-sandbox',
      '--hide-scrollbars',
      `--window-size=1640,${Math.ceil(height)}`,
      `--screenshot=${picture}`,
      pathToFileURL(file).href,
    ],
    { timeoutMs: 60_000 },
  )
  console.log(picture)
}
