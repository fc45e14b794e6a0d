// Writes a dashboard for Grafana: the classic form (schema 42, what Grafana before 13 reads and grafana.com imports), and the V2
// resource. Fields and options of a panel are made once; only what is around them differs.
import { createHash } from 'node:crypto'
import { PanelBuilder as BarsBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as classic from '@grafana/grafana-foundation-sdk/dashboard'
import * as v2 from '@grafana/grafana-foundation-sdk/dashboardv2'
import { DataqueryBuilder, PromQueryFormat, QueryV2Builder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as StatesBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Dashboard, Panel, Query, Row, Threshold, ValueName, Variable } from './model.ts'

const columns = 24
const refresh = '30s'
const from = 'now-3h'
const tag = 'selfmonitor-kafka'
/** The data source is chosen by a variable. */
const dataSource = { type: 'prometheus', uid: '$datasource' }

/** The dashboard in the classic form: the JSON that Grafana's import page and its file provisioning take. */
export function classicDashboard(dashboard: Dashboard): classic.Dashboard {
  const builder = new classic.DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.description)
    .tags([tag])
    .readonly()
    .timezone('browser')
    .time({ from, to: 'now' })
    .refresh(refresh)
    .tooltip(classic.DashboardCursorSync.Crosshair)
    .link(
      new classic.DashboardLinkBuilder('Kafka')
        .type(classic.DashboardLinkType.Dashboards)
        .tags([tag])
        .includeVars(true)
        .keepTime(true),
    )
    .variables([
      new classic.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      ...dashboard.variables.map(classicVariable),
    ])
  let id = 0
  let top = 0
  for (const row of dashboard.rows) {
    id += 1
    builder.withRow(new classic.RowBuilder(row.title).id(id).gridPos({ h: 1, w: columns, x: 0, y: top }))
    top += 1
    for (const { panel, x, y } of placed(row)) {
      id += 1
      builder.withPanel(
        classicPanel(panel)
          .id(id)
          .gridPos({ h: panel.height, w: panel.width, x, y: top + y }),
      )
    }
    top += rowHeight(row)
  }
  return builder.build()
}

/** The dashboard as a V2 resource: what `kubectl apply`, Git sync and Grafana 13 take. */
export function v2Dashboard(dashboard: Dashboard): ReturnType<ReturnType<typeof v2.manifest>['build']> {
  const builder = new v2.DashboardBuilder(dashboard.title)
    .description(dashboard.description)
    .tags([tag])
    .editable(false)
    .cursorSync(v2.DashboardCursorSync.Crosshair)
    .timeSettings(new v2.TimeSettingsBuilder().timezone('browser').from(from).to('now').autoRefresh(refresh))
    .links([
      new v2.DashboardLinkBuilder()
        .title('Kafka')
        .type(v2.DashboardLinkType.Dashboards)
        .tags([tag])
        .includeVars(true)
        .keepTime(true),
    ])
    .variables([
      new v2.DatasourceVariableBuilder('datasource').label('Data source').pluginId('prometheus'),
      ...dashboard.variables.map(v2Variable),
    ])
  const rows = new v2.RowsBuilder()
  let id = 0
  for (const row of dashboard.rows) {
    const grid = new v2.GridBuilder()
    for (const { panel, x, y } of placed(row)) {
      id += 1
      const name = elementName(row, panel)
      builder.element(name, v2Panel(panel).id(id))
      grid.item(new v2.GridItemBuilder().name(name).x(x).y(y).width(panel.width).height(panel.height))
    }
    rows.row(new v2.RowBuilder().title(row.title).layout(grid))
  }
  return v2.manifest(dashboard.uid, builder.layout(rows)).build()
}

/** Stable while its row and title stay, whatever comes before it. */
function elementName(row: Row, panel: Panel): string {
  const digest = createHash('sha256').update(`${row.title}\n${panel.title}`).digest('hex').slice(0, 8)
  return `panel-${digest}`
}

/** Panels from left to right, in lines of 24 columns; a line is as high as its highest panel. */
function placed(row: Row): { panel: Panel; x: number; y: number }[] {
  let x = 0
  let y = 0
  let height = 0
  return row.panels.map((panel) => {
    if (x + panel.width > columns) {
      x = 0
      y += height
      height = 0
    }
    const place = { panel, x, y }
    x += panel.width
    height = Math.max(height, panel.height)
    return place
  })
}

const rowHeight = (row: Row): number => Math.max(0, ...placed(row).map(({ panel, y }) => y + panel.height))

const allOption = { text: 'All', value: '$__all' }

function classicVariable({ name, label, query, single }: Variable): classic.QueryVariableBuilder {
  const builder = new classic.QueryVariableBuilder(name)
    .label(label)
    .datasource(dataSource)
    .query({ query, refId: `variable-${name}` })
    .refresh(classic.VariableRefresh.OnTimeRangeChanged)
    .sort(classic.VariableSort.AlphabeticalAsc)
    .multi(single !== true)
    .includeAll(single !== true)
  return single ? builder : builder.allValue('.*').current(allOption)
}

function v2Variable({ name, label, query, single }: Variable): v2.QueryVariableBuilder {
  const builder = new v2.QueryVariableBuilder(name)
    .label(label)
    .query(new QueryV2Builder().datasource({ name: dataSource.uid }).expr(query).refId(`variable-${name}`))
    .refresh(v2.VariableRefresh.OnTimeRangeChanged)
    .sort(v2.VariableSort.AlphabeticalAsc)
    .multi(single !== true)
    .includeAll(single !== true)
  return single ? builder : builder.allValue('.*').current(allOption)
}

const refId = (index: number): string => String.fromCharCode(65 + index)

/** Tables and panels of single values ask for the present value only. */
const isInstant = (panel: Panel): boolean => panel.kind === 'table' || panel.kind === 'bars'

function classicQuery(panel: Panel, query: Query, index: number): Builder<Dataquery> {
  const builder = new DataqueryBuilder()
    .datasource(dataSource)
    .refId(refId(index))
    .expr(query.expr)
    .legendFormat(query.legend)
    .format(queryFormat(panel))
  return isInstant(panel) ? builder.instant() : builder.range()
}

function v2Query(panel: Panel, query: Query, index: number): v2.TargetBuilder {
  return new v2.TargetBuilder()
    .refId(refId(index))
    .query(
      new QueryV2Builder()
        .datasource({ name: dataSource.uid })
        .expr(query.expr)
        .legendFormat(query.legend)
        .format(queryFormat(panel))
        .instant(isInstant(panel))
        .range(!isInstant(panel)),
    )
}

const queryFormat = (panel: Panel): PromQueryFormat =>
  panel.kind === 'table' ? PromQueryFormat.Table : PromQueryFormat.TimeSeries

type ClassicPanel = Builder<classic.Panel> & {
  id(id: number): ClassicPanel
  gridPos(position: classic.GridPos): ClassicPanel
}

function classicPanel(panel: Panel): ClassicPanel {
  const builder = look(panel)
    .title(panel.title)
    .description(panel.description)
    .datasource(dataSource)
    .targets(panel.queries.map((query, index) => classicQuery(panel, query, index)))
  for (const { id, options } of transformations(panel)) builder.withTransformation({ id, options })
  return builder
}

/** What a panel looks like comes from the classic builder: both forms have the same options and fields. */
function v2Panel(panel: Panel): v2.PanelBuilder {
  const built = look(panel).build()
  const queries = new v2.QueryGroupBuilder().targets(panel.queries.map((query, index) => v2Query(panel, query, index)))
  for (const { id, options } of transformations(panel)) {
    queries.transformation(new v2.TransformationBuilder().group(id).options(options))
  }
  return new v2.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .data(queries)
    .visualization({
      build: () => ({
        kind: 'VizConfig',
        group: built.type,
        version: '',
        spec: {
          options: built.options ?? {},
          fieldConfig: (built.fieldConfig ?? { defaults: {}, overrides: [] }) as v2.FieldConfigSource,
        },
      }),
    })
}

/** Joins the queries of a table by their labels, and names its columns. */
function transformations(panel: Panel): { id: string; options: object }[] {
  if (panel.kind !== 'table') return []
  const headings = new Map([
    ...panel.labels.map(({ name, heading }) => [name, heading] as const),
    ...panel.queries.map(({ legend }, index) => [valueField(panel, index), legend] as const),
  ])
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries([...headings.keys()].map((name, index) => [name, index])),
        renameByName: Object.fromEntries(headings),
      },
    },
  ]
}

/** How Grafana names the value of a query in a table. */
const valueField = (panel: Panel, index: number): string =>
  panel.queries.length === 1 ? 'Value' : `Value #${refId(index)}`

type Look = ReturnType<typeof lines | typeof stat | typeof bars | typeof states | typeof table>

function look(panel: Panel): Look {
  switch (panel.kind) {
    case 'lines':
      return withFields(lines(panel), panel)
    case 'stat':
      return withFields(stat(panel), panel)
    case 'bars':
      return withFields(bars(panel), panel)
    case 'states':
      return withFields(states(panel), panel)
    case 'table':
      return withFields(table(panel), panel)
  }
}

interface Fields {
  unit(unit: string): unknown
  noValue(text: string): unknown
  max(max: number): unknown
  min(min: number): unknown
  decimals(decimals: number): unknown
}

function withFields<B extends Fields>(builder: B, panel: Panel): B {
  builder.unit(panel.unit)
  if (panel.noValue !== undefined) builder.noValue(panel.noValue)
  if (panel.max !== undefined) {
    builder.max(panel.max)
    builder.min(0)
  }
  if (panel.decimals !== undefined) builder.decimals(panel.decimals)
  return builder
}

type Of<K extends Panel['kind']> = Extract<Panel, { kind: K }>

function thresholds(steps: readonly Threshold[]): classic.ThresholdsConfigBuilder {
  return new classic.ThresholdsConfigBuilder()
    .mode(classic.ThresholdsMode.Absolute)
    .steps(steps.map(({ at, colour }) => ({ value: at, color: colour })))
}

function valueMap(names: readonly ValueName[]): classic.ValueMapping[] {
  return [
    {
      type: classic.MappingType.ValueToText,
      options: Object.fromEntries(
        names.map(({ value, text, colour }, index) => [String(value), { text, color: colour, index }]),
      ),
    },
  ]
}

function lines(panel: Of<'lines'>): LinesBuilder {
  const builder = new LinesBuilder()
    .lineWidth(1)
    .fillOpacity(panel.stacked === true ? 30 : 8)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max'])
        // Of many series the largest are seen without scrolling.
        .sortBy('Last *')
        .sortDesc(true),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
  if (panel.stacked === true) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal))
  if (panel.thresholds !== undefined) {
    builder.thresholds(thresholds(panel.thresholds))
    builder.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed))
  }
  return builder
}

function stat(panel: Of<'stat'>): StatBuilder {
  const builder = new StatBuilder()
    .thresholds(thresholds(panel.thresholds))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
  if (panel.names === undefined) return builder
  // A single value is shown without its name otherwise, and "up" says nothing.
  return builder.mappings(valueMap(panel.names)).textMode(common.BigValueTextMode.ValueAndName)
}

function bars(panel: Of<'bars'>): BarsBuilder {
  return new BarsBuilder()
    .thresholds(thresholds(panel.thresholds))
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .orientation(common.VizOrientation.Horizontal)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .min(0)
}

function states(panel: Of<'states'>): StatesBuilder {
  return new StatesBuilder().mappings(valueMap(panel.names)).mergeValues(true).rowHeight(0.8)
}

function table(panel: Of<'table'>): TableBuilder {
  const builder = new TableBuilder()
  for (const { legend, unit } of panel.queries) {
    if (unit !== undefined) builder.overrideByName(legend, [{ id: 'unit', value: unit }])
  }
  return builder
}
