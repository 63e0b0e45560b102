/** Points of a series: ten minutes. */
const POINTS = 120

/** What the page knows, from the events of the feed. */
export function createState() {
  return { at: 0, sections: new Map(), series: new Map(), map: undefined, isComplete: false }
}

/** Takes an event in. */
export function take(state, name, data) {
  if (name === 'map') {
    state.map = data
    return
  }
  if (name === 'snapshot') {
    state.sections = new Map(Object.entries(data.set))
    state.series = new Map(Object.entries(data.series))
    state.isComplete = true
  } else if (name === 'delta') {
    for (const [section, value] of Object.entries(data.set)) state.sections.set(section, value)
    for (const section of data.gone) state.sections.delete(section)
    if (data.points) addPoints(state.series, data.points)
  }
  state.at = data.at
}

function addPoints(series, points) {
  for (const [key, values] of series) {
    values.push(points[key] ?? null)
    if (values.length > POINTS) values.shift()
    if (values.every((value) => value === null)) series.delete(key)
  }
  for (const [key, value] of Object.entries(points)) {
    if (!series.has(key)) series.set(key, [...new Array(POINTS - 1).fill(null), value])
  }
}

/** Every realm with its key, its facts and its numbers, those with most players first. */
export function realmsOf(state) {
  const realms = []
  for (const [name, facts] of state.sections) {
    if (!name.startsWith('realm/')) continue
    const key = name.slice('realm/'.length)
    const live = state.sections.get(`live/${key}`)
    if (live) realms.push({ key, facts, live })
  }
  return realms.sort(
    (a, b) => (b.live.players ?? 0) - (a.live.players ?? 0) || a.facts.realmName.localeCompare(b.facts.realmName),
  )
}

export const realmOf = (state, key) => {
  const [facts, live] = [state.sections.get(`realm/${key}`), state.sections.get(`live/${key}`)]
  return facts && live ? { key, facts, live } : undefined
}
