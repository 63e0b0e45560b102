import { catalogue, ensure } from './catalogue.ts'
import { type PartName, partNames } from './part.ts'

// npx node testing/parts/main.ts [name…]: makes the named parts, or all of them, and prints their paths.
const asked = process.argv.slice(2)
const isPartName = (name: string): name is PartName => (partNames as readonly string[]).includes(name)
const unknown = asked.filter((name) => !isPartName(name))
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: no such part; there are ${partNames.join(', ')}`)
  process.exit(2)
}

const all = Object.keys(catalogue).filter(isPartName)
for (const name of asked.length > 0 ? asked.filter(isPartName) : all) {
  const state = await ensure(name, (line) => console.error(line))
  if ('path' in state) console.log(`${name.padEnd(10)} ${state.path}`)
  else {
    console.error(`${name.padEnd(10)} missing: ${state.missing}`)
    process.exitCode = 1
  }
}
