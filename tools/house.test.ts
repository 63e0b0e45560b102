import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const sources = ['operator', 'cells', 'crds', 'cli']
  .flatMap((house) => readdirSync(join(root, house), { recursive: true, encoding: 'utf8' }).map((file) => join(house, file)))
  .filter((file) => file.endsWith('.ts') && !/\.(test|bench)\.ts$|fixtures\.ts$|\/e2e\//.test(file))

const imports: Import[] = sources.flatMap((from) => {
  const text = readFileSync(join(root, from), 'utf8')
  return [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)|^import\s+'([^']+)'/gm),
  ].map((match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? ''
    const to = target.startsWith('.') ? relative(root, normalize(join(root, dirname(from), target))) : target
    return { from, to, typeOnly: match[1] !== undefined }
  })
})

/** The house a file stands in; the chassis and the contract are everybody's. */
const houseOf = (file: string): string => {
  if (file.startsWith('cells/chassis/')) return 'chassis'
  if (file.startsWith('cells/wire/') || file.startsWith('crds/')) return 'contract'
  return file.split('/')[0] ?? ''
}
const isOurs = (to: string): boolean => /^(operator|cells|crds|cli)\//.test(to)
const isWiring = (file: string): boolean => /^(cli\/(main|adapters\/)|cells\/compact\/)/.test(file)
const isPure = (file: string): boolean =>
  /^operator\/desired\/|^cells\/[^/]+\/core\/|^cli\/(render|island-map)\.ts$|^cli\/map\//.test(file)
const shown = ({ from, to }: Import): string => `${from} -> ${to}`

test('the drawing has something to hold', () => {
  expect(sources.length).toBeGreaterThan(30)
  expect(imports.length).toBeGreaterThan(80)
})

test('the contract imports nothing of ours but itself', () => {
  expect(
    imports.filter(({ from, to }) => houseOf(from) === 'contract' && isOurs(to) && houseOf(to) !== 'contract').map(shown),
  ).toEqual([])
})

test('the chassis knows nothing about realms', () => {
  expect(
    imports.filter(({ from, to }) => houseOf(from) === 'chassis' && isOurs(to) && houseOf(to) !== 'chassis').map(shown),
  ).toEqual([])
})

test('cells, operator and cli meet in the contract; only the wiring of the laptop joins them', () => {
  const crossing = imports.filter(({ from, to }) => {
    const [here, there] = [houseOf(from), houseOf(to)]
    return isOurs(to) && here !== there && !['contract', 'chassis'].includes(here) && !['contract', 'chassis'].includes(there)
  })
  expect(crossing.filter(({ from }) => !isWiring(from)).map(shown)).toEqual([])
})

test('one cell does not import another', () => {
  const shared = /^cells\/(chassis|wire|bus|identity|transport|cell\.ts|process\.ts)/
  const roomOf = (file: string) => file.split('/')[1]
  const crossing = imports.filter(
    ({ from, to }) =>
      from.startsWith('cells/') && to.startsWith('cells/') && roomOf(from) !== roomOf(to) && !shared.test(to) && !isWiring(from),
  )
  // The dispatcher starts every cell; the archipelago hosts the embedded rooms where no LiveKit is.
  const allowed = /^cells\/main\.ts -> |^cells\/archipelago\/main\.ts -> cells\/rooms\//
  expect(crossing.map(shown).filter((line) => !allowed.test(line))).toEqual([])
})

test('pure rooms meet no runtime, client, clock or log', () => {
  const impure = imports.filter(
    ({ from, to, typeOnly }) => isPure(from) && !typeOnly && !isPure(to) && houseOf(to) !== 'contract',
  )
  expect(impure.map(shown)).toEqual([])
  const clocks = sources
    .filter(isPure)
    .filter((file) =>
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|process\.env|setTimeout\(/.test(readFileSync(join(root, file), 'utf8')),
    )
  expect(clocks).toEqual([])
})
