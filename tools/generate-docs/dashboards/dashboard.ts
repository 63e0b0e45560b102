/** A panel of a Grafana dashboard: one diagram of some queries by their legends. */
export interface Panel {
  title: string
  /** Of Grafana: `s` seconds, `percentunit` a share, `reqps` and `cps` per second, `bytes`, `short` a number. */
  unit: 's' | 'percentunit' | 'reqps' | 'cps' | 'bytes' | 'short'
  /** What is good, and what a bad value means. */
  about: string
  queries: Readonly<Record<string, string>>
  /** Shows the present value only. */
  isNumber?: true
}

export interface Dashboard {
  /** Part of its address in Grafana, and the name of its file. */
  uid: string
  title: string
  about: string
  /** What its user chooses: the name of a variable, and the metric whose label of this name has the choices. */
  variables: Readonly<Record<string, string>>
  rows: readonly { title: string; panels: readonly Panel[] }[]
}

/** Version of the form, as Grafana 10 and later read it. */
const SCHEMA_VERSION = 39
const COLUMNS = 24
const PANELS_PER_LINE = 3
const PANEL_HEIGHT = 8
const WIDTH = COLUMNS / PANELS_PER_LINE

const datasource = { type: 'prometheus', uid: '$datasource' }

/** The dashboard as Grafana imports it. */
export const dashboardJson = (dashboard: Dashboard): string => `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`

function grafanaDashboard({ uid, title, about, variables, rows }: Dashboard): object {
  let y = 0
  let id = 0
  const panels = rows.flatMap((row) => {
    const head = {
      type: 'row',
      id: ++id,
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 },
    }
    const top = y
    y += Math.ceil(row.panels.length / PANELS_PER_LINE) * PANEL_HEIGHT
    const own = row.panels.map((panel, index) => ({
      ...grafanaPanel(panel),
      id: ++id,
      gridPos: {
        x: (index % PANELS_PER_LINE) * WIDTH,
        y: top + Math.floor(index / PANELS_PER_LINE) * PANEL_HEIGHT,
        w: WIDTH,
        h: PANEL_HEIGHT,
      },
    }))
    return [head, ...own]
  })
  return {
    ...{ uid, title, description: about, tags: ['realm-operator'], schemaVersion: SCHEMA_VERSION, editable: true },
    ...{ refresh: '30s', time: { from: 'now-3h', to: 'now' }, timezone: 'browser' },
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }, ...choices(variables)],
    },
    panels,
  }
}

/** Each choice is limited by those before it. */
const choices = (variables: Dashboard['variables']): object[] =>
  Object.entries(variables).map(([name, metric], index, all) => {
    const before = all.slice(0, index).map(([other]) => `${other}=~"$${other}"`)
    const query = `label_values(${metric}{${before.join(',')}}, ${name})`
    return {
      ...{ name, type: 'query', datasource, query: { query, refId: name }, definition: query, refresh: 2, sort: 1 },
      ...{ multi: true, includeAll: true, allValue: '.*', current: { text: ['All'], value: ['$__all'] } },
    }
  })

const grafanaPanel = ({ title, unit, about, queries, isNumber }: Panel): object => ({
  ...{ type: isNumber ? 'stat' : 'timeseries', title, description: about, datasource },
  fieldConfig: {
    defaults: { unit, min: 0, ...(!isNumber && { custom: { fillOpacity: 10, showPoints: 'never' } }) },
    overrides: [],
  },
  options: isNumber
    ? { reduceOptions: { calcs: ['lastNotNull'] } }
    : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: Object.entries(queries).map(([legend, expr], index) => ({
    ...{
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      range: !isNumber,
      instant: isNumber === true,
    },
  })),
})
