// Grafana's dashboard-linter is a Go program; its rules are tests here: https://github.com/grafana/dashboard-linter/tree/main/docs
import * as units from '@grafana/grafana-foundation-sdk/units'
import { describe, expect, it } from 'vitest'
import { jmxMetrics } from '../metrics/jmx.ts'
import { serviceMetrics } from '../metrics/jmx-services.ts'
import { metrics, namingExceptions } from '../metrics/table.ts'
import { familyName } from '../metrics/test-support/family-name.ts'
import { classicDashboard, type Dashboard, dashboards, type Panel, v2Dashboard } from './index.ts'

const panelsOf = (dashboard: Dashboard): Panel[] => dashboard.rows.flatMap(({ panels }) => panels)
const all = dashboards.flatMap((dashboard) =>
  panelsOf(dashboard).map((panel) => ({ dashboard, panel, name: `${dashboard.title}: ${panel.title}` })),
)

/** Series of Prometheus itself and of the recording rules: they have no label of a scraped target. */
const withoutTarget = /^(ALERTS|slo:.*|sloth_slo_info)$/

/** `name{matchers}`: everything in a query that reads series. Functions, labels in `by (…)` and numbers are not. */
function selectorsOf(expr: string): { name: string; matchers: string }[] {
  const found = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(([, name, matchers]) => ({
    name: name!,
    matchers: matchers!,
  }))
  return found
}

const namesOf = (expr: string): string[] => selectorsOf(expr).map(({ name }) => name)

const known = new Map<string, 'counter' | 'gauge' | 'histogram'>(
  [...Object.values(metrics), ...Object.values(jmxMetrics), ...Object.values(serviceMetrics)].map(({ name, type }) => [
    name,
    type,
  ]),
)
const baseName = (name: string): string => familyName(name, known)

describe('every panel', () => {
  it.each(all)('$name has a title, a description that is a sentence, a unit and queries', ({ panel }) => {
    expect(panel.title).not.toBe('')
    expect(panel.description).toMatch(/^[A-Z1].*\.$/)
    expect(Object.values(units)).toContain(panel.unit)
    expect(panel.queries.length).toBeGreaterThan(0)
    for (const { legend } of panel.queries) expect(legend).not.toBe('')
  })

  it.each(all)('$name matches cluster, job and instance in every selector', ({ panel }) => {
    for (const { expr } of panel.queries) {
      const selectors = selectorsOf(expr)
      expect(selectors.length, expr).toBeGreaterThan(0)
      for (const { name, matchers } of selectors) {
        if (withoutTarget.test(name)) continue
        expect(matchers, expr).toContain('job=~"$job"')
        expect(matchers, expr).toContain('instance=~"$instance"')
        const ofExporter = Object.values(metrics).some((metric) => metric.name === baseName(name))
        if (ofExporter) expect(matchers, expr).toContain('cluster=~"$cluster"')
      }
    }
  })

  it.each(all)(
    '$name reads metrics of the tables only, and counters as rates over $__rate_interval or the range',
    ({ panel }) => {
      for (const { expr } of panel.queries) {
        for (const name of namesOf(expr)) {
          if (withoutTarget.test(name)) continue
          const type = known.get(baseName(name))
          expect(type, `${name} in ${expr}`).toBeDefined()
          expect(namingExceptions).not.toContain(name)
        }
        for (const [, window] of expr.matchAll(/rate\([^[]*\[([^\]]+)\]/g))
          expect(window, expr).toBe('$__rate_interval')
        for (const [, window] of expr.matchAll(/increase\([^[]*\[([^\]]+)\]/g)) expect(window, expr).toBe('$__range')
      }
    },
  )

  it.each(all)('$name counts what two replicas of the exporter say once', ({ panel }) => {
    for (const { expr } of panel.queries) {
      for (const match of expr.matchAll(/([a-zA-Z_:][\w:]*)\{[^}]*\}/g)) {
        const metric = Object.values(metrics).find(({ name }) => name === baseName(match[1]!))
        if (metric === undefined || metric.part === 'probe') continue
        const before = expr.slice(0, match.index)
        expect(before, expr).toMatch(/max without \([^)]*instance[^)]*\) \((rate\(|increase\()?$/)
      }
    }
  })
})

describe('every dashboard', () => {
  it('has a uid of its own, a title and a description', () => {
    expect(dashboards.map(({ title }) => title)).toEqual([
      'Kafka Overview',
      'Consumer Monitoring',
      'Broker Performance',
      'Topic Analysis',
      'Connect, Schema Registry and ksqlDB',
      'Objectives',
    ])
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length)
    for (const { uid, description } of dashboards) {
      expect(uid.length).toBeLessThanOrEqual(40)
      expect(description).toMatch(/\.$/)
    }
  })

  const ofClusters = dashboards.filter(({ variables }) =>
    variables.some(({ name, single }) => name === 'cluster' && !single),
  )

  it.each(ofClusters)('$title tells apart what several clusters have of the same name', (dashboard) => {
    const unclear = panelsOf(dashboard).filter((panel) => {
      const isOfClusters = panel.queries.some(({ expr }) => expr.includes('cluster=~"$cluster"'))
      const isNamed =
        panel.kind === 'table'
          ? panel.labels.some(({ name }) => name === 'cluster')
          : panel.queries.every(({ legend }) => legend.includes('{{cluster}}'))
      return isOfClusters && !isNamed
    })
    expect(unclear.map(({ title }) => title)).toEqual([])
  })

  it('counts alerts of objectives only, also while all objectives are chosen', () => {
    const { panels } = dashboards
      .find(({ title }) => title === 'Objectives')!
      .rows.find((row) => row.panels.some(({ title }) => title === 'Alerts on burn rates'))!
    const { queries } = panels.find(({ title }) => title === 'Alerts on burn rates')!
    // What matches `.*` need not be there: other alerts have no label sloth_slo.
    expect(queries.map(({ expr }) => expr)).toEqual([expect.stringContaining('sloth_slo!=""')])
  })

  it('the others have one cluster at a time, in both forms', () => {
    const single = dashboards.filter(({ variables }) => variables.some((one) => one.name === 'cluster' && one.single))
    expect(single.map(({ title }) => title)).toEqual(['Consumer Monitoring', 'Broker Performance', 'Topic Analysis'])
    for (const dashboard of single) {
      const classic = classicDashboard(dashboard).templating!.list!.find(({ name }) => name === 'cluster')
      expect(classic).toMatchObject({ multi: false, includeAll: false })
      const { variables } = (v2Dashboard(dashboard) as unknown as { spec: { variables: { spec: { name: string } }[] } })
        .spec
      expect(variables.find(({ spec }) => spec.name === 'cluster')?.spec).toMatchObject({
        multi: false,
        includeAll: false,
        current: { value: '' },
      })
    }
  })

  it.each(dashboards)('$title uses each of its variables, and no other', (dashboard) => {
    const declared = dashboard.variables.map(({ name }) => name)
    const used = new Set(
      [...JSON.stringify(panelsOf(dashboard)).matchAll(/\$([a-z]+)/g)]
        .map(([, name]) => name!)
        .filter((name) => name !== '__rate'),
    )
    expect([...used].sort()).toEqual([...declared].sort())
  })

  it.each(dashboards)(
    '$title has no two panels in one place, in both forms, and the same queries in both',
    (dashboard) => {
      const classic = classicDashboard(dashboard)
      const v2 = v2Dashboard(dashboard) as unknown as V2
      const classicPanels = classic.panels!.filter((panel) => panel.type !== 'row') as unknown as ClassicPanel[]
      const overlaps = (a: Box, b: Box) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
      const boxes = (classic.panels as unknown as ClassicPanel[]).map(({ gridPos }) => gridPos)
      for (const [index, box] of boxes.entries()) {
        expect(box.x + box.w).toBeLessThanOrEqual(24)
        for (const other of boxes.slice(index + 1)) expect(overlaps(box, other)).toBe(false)
      }
      const ids = (classic.panels as unknown as ClassicPanel[]).map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(classic.schemaVersion).toBe(42)

      const byTitle = (a: { title: string }, b: { title: string }) => (a.title < b.title ? -1 : 1)
      const fromClassic = classicPanels.map(({ title, targets }) => ({ title, exprs: targets.map(({ expr }) => expr) }))
      const fromV2 = Object.values(v2.spec.elements).map(({ spec }) => ({
        title: spec.title,
        exprs: spec.data.spec.queries.map((query) => query.spec.query.spec.expr),
      }))
      expect(fromV2.sort(byTitle)).toEqual(fromClassic.sort(byTitle))
      expect(fromClassic.length).toBe(panelsOf(dashboard).length)
      expect(v2).toMatchObject({
        apiVersion: 'dashboard.grafana.app/v2',
        kind: 'Dashboard',
        metadata: { name: dashboard.uid },
      })

      // Every element is in the layout once, and nothing else is.
      const placed = v2.spec.layout.spec.rows.flatMap((row) =>
        row.spec.layout.spec.items.map((item) => item.spec.element.name),
      )
      expect(placed.sort()).toEqual(Object.keys(v2.spec.elements).sort())
    },
  )

  it.each(dashboards)('$title takes its data from the data source that the variable names', (dashboard) => {
    const classic = classicDashboard(dashboard)
    for (const panel of classic.panels!.filter(({ type }) => type !== 'row') as unknown as ClassicPanel[]) {
      expect(panel.datasource).toEqual({ type: 'prometheus', uid: '$datasource' })
      for (const { datasource } of panel.targets) expect(datasource).toEqual({ type: 'prometheus', uid: '$datasource' })
    }
    expect(classic.templating!.list![0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
  })
})

it('of several clusters, the objectives show the worst one, and alerts of the chosen services only', () => {
  const exprs = panelsOf(dashboards.find(({ title }) => title === 'Objectives')!).flatMap(({ queries }) =>
    queries.map(({ expr }) => expr),
  )
  for (const expr of exprs) {
    expect(expr).toContain('sloth_service=~"$service"')
    if (expr.includes('ALERTS')) continue
    // A large rest of the budget is good, a large value of all others is bad.
    expect(expr).toMatch(expr.includes('budget_remaining') ? /^min by/ : /max by/)
  }
})

it('a value that is shown as a word has the name of what it is about, also when it is the only one', () => {
  const named = dashboards.flatMap((dashboard) =>
    classicDashboard(dashboard).panels!.filter(({ title }) => /^Services/.test(title ?? '')),
  )
  expect(named.map((panel) => (panel as { options?: { textMode?: string } }).options?.textMode)).toEqual([
    'value_and_name',
    'value_and_name',
  ])
})

it('the first row of the overview says whether the cluster is well', () => {
  const [first] = dashboards[0]!.rows
  expect(first!.panels.map(({ title }) => title)).toEqual([
    'Brokers missing',
    'Offline partitions',
    'Under min ISR',
    'Under-replicated',
    'Largest lag',
    'Fullest disk',
    'Alerts firing',
    'Snapshot age',
  ])
  expect(first!.panels.reduce((sum, { width }) => sum + width, 0)).toBe(24)
})

interface Box {
  x: number
  y: number
  w: number
  h: number
}
interface ClassicPanel {
  id: number
  title: string
  type: string
  gridPos: Box
  datasource: object
  targets: { expr: string; datasource: object }[]
}
interface V2 {
  spec: {
    elements: Record<
      string,
      { spec: { title: string; data: { spec: { queries: { spec: { query: { spec: { expr: string } } } }[] } } } }
    >
    layout: { spec: { rows: { spec: { layout: { spec: { items: { spec: { element: { name: string } } }[] } } } }[] } }
  }
}
