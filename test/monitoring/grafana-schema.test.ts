// The dashboards, in both forms, read strictly with Grafana's own schemas. Values of enumerations (a legend's place) are texts in
// these; that they exist is held by the types of the SDK with which the dashboards are written.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { classicDashboard, dashboards, v2Dashboard } from '@selfmonitor/monitor/dashboards'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grafanaSchemas, schemaProblems } from '../support/grafana.ts'

const program = await grafanaSchemas()

// biome-ignore lint/suspicious/noExplicitAny: mistakes are planted where the types do not allow them
type Json = any

const write = { classic: classicDashboard, V2: v2Dashboard } as const

/** Changes one panel with lines, in the place where a form has it. */
const inPanel = (change: (place: { panel: Json; look: Json; query: Json }) => void) => ({
  classic: (dashboard: Json) => {
    const panel = dashboard.panels.find(({ type }: Json) => type === 'timeseries')
    change({ panel, look: panel, query: panel.targets[0] })
  },
  V2: (dashboard: Json) => {
    const elements: Json[] = Object.values(dashboard.spec.elements)
    const { spec } = elements.find((element) => element.spec.vizConfig.group === 'timeseries')
    change({ panel: spec, look: spec.vizConfig.spec, query: spec.data.spec.queries[0].spec.query.spec })
  },
})

const mistakes: Readonly<Record<string, Readonly<Record<keyof typeof write, (dashboard: Json) => void>>>> = {
  'the title of a panel is not a text': inPanel(({ panel }) => {
    panel.title = 7
  }),
  'a panel has a field that Grafana does not have': inPanel(({ panel }) => {
    panel.explanation = 'text'
  }),
  'a panel has an option that its plugin does not have': inPanel(({ look }) => {
    look.options.legend.placment = 'bottom'
  }),
  'a field has a unit under another name': inPanel(({ look }) => {
    look.fieldConfig.defaults.units = 's'
  }),
  'the lines have a setting that they do not have': inPanel(({ look }) => {
    look.fieldConfig.defaults.custom.lineWdth = 1
  }),
  'a query has no expression': inPanel(({ query }) => {
    delete query.expr
  }),
  'a query has a field that Prometheus’s queries do not have': inPanel(({ query }) => {
    query.legend = 'text'
  }),
  'a panel is of a type that Grafana does not have': {
    classic: (dashboard) => {
      dashboard.panels[1].type = 'statistics'
    },
    V2: (dashboard) => {
      const [element] = Object.values<Json>(dashboard.spec.elements)
      element.spec.vizConfig.group = 'statistics'
    },
  },
  'the layout is broken': {
    classic: (dashboard) => {
      dashboard.panels[1].gridPos.w = 25
    },
    V2: (dashboard) => {
      dashboard.spec.layout.kind = 'RowLayout'
    },
  },
}

describe.skipIf('missing' in program)("Grafana's schemas", () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-grafana-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const problemsOf = async (dashboard: Json): Promise<string[]> => {
    if ('missing' in program) throw new Error(program.missing)
    const file = join(folder, 'dashboard.json')
    await writeFile(file, JSON.stringify(dashboard))
    return await schemaProblems(program.value, [file])
  }

  describe.each(['classic', 'V2'] as const)('read the %s form', (form) => {
    it.each(dashboards)('of $title without a problem', async (dashboard) => {
      expect(await problemsOf(write[form](dashboard))).toEqual([])
    })

    it.each(Object.entries(mistakes))('and say so when %s', async (_, plant) => {
      const dashboard = JSON.parse(JSON.stringify(write[form](dashboards[0]!)))
      plant[form](dashboard)
      expect(await problemsOf(dashboard)).not.toEqual([])
    })
  })
})
