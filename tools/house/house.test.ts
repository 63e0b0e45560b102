import { stripTypeScriptTypes } from 'node:module'
import { relative } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../testing/parts/command.ts'
import { checks } from './checks.ts'
import { roomOf } from './floors.ts'
import { cyclesOf, type Import, importsOf, isForTests, root, sourceFiles, textOf } from './sources.ts'

const files = sourceFiles()
const product = files.filter((file) => !isForTests(file))
const imports = product.flatMap(importsOf)
const isOurs = ({ to }: Import): boolean => files.includes(to)
const shown = ({ from, to }: Import): string => `${from} imports ${to}`

test('the list of sources is not empty', () => {
  expect(product.length).toBeGreaterThan(200)
  expect(imports.filter(isOurs).length).toBeGreaterThan(500)
})

test('no file imports itself through others, not even for a type', () => {
  const cycles = cyclesOf(imports.filter(isOurs))
  expect(cycles, 'move what both need into a file below them').toEqual([])
})

test('every file has a room in tools/house/floors.ts', () => {
  expect(product.filter((file) => roomOf(file) === undefined)).toEqual([])
})

test('imports go down or stay in their room', () => {
  const upward = imports.filter(isOurs).filter(({ from, to }) => {
    const [here, there] = [roomOf(from), roomOf(to)]
    return here && there && here.room !== there.room && there.floor >= here.floor
  })
  expect(upward.map(shown), 'see tools/house/floors.ts').toEqual([])
})

test('the product imports nothing of the tests, their library or the tools', () => {
  expect(imports.filter(({ to }) => isForTests(to) || /^(vitest|fast-check)/.test(to)).map(shown)).toEqual([])
})

// vitest reads some files that Node does not, such as a loop over a variable called `of`.
test('Node reads every file of the product as it is', () => {
  const unreadable = product.filter((file) => {
    try {
      stripTypeScriptTypes(textOf(file))
      return false
    } catch {
      return true
    }
  })
  expect(unreadable).toEqual([])
})

test('the build compiles the product and nothing else', async () => {
  const listed = await runCommand('node_modules/.bin/tsc', ['--project', 'tsconfig.build.json', '--listFilesOnly'], { cwd: root })
  const compiled = listed
    .trim()
    .split('\n')
    .filter((file) => !file.includes('/node_modules/'))
  expect(compiled.map((file) => relative(root, file)).sort(), 'see tsconfig.build.json').toEqual([...product].sort())
})

// The chassis is no pure room, but has pure pieces; lru-cache is a data structure.
const isPure = (file: string): boolean =>
  /^cells\/chassis\/(backoff|base-url|fnv1a|growing-cache|private-networks|token-bucket)\.ts$|^lru-cache$/.test(file) ||
  /^operator\/(desired|observed)\/|^cells\/[^/]+\/core\/|^cli\/(render\.ts$|island-map\/)/.test(file)

test('pure rooms meet no runtime, client, clock or log', () => {
  const isAllowed = ({ to, isTypeOnly }: Import) => isTypeOnly || isPure(to) || /^(crds|cells\/wire)\//.test(to)
  expect(imports.filter((each) => isPure(each.from) && !isAllowed(each)).map(shown)).toEqual([])
  const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|process\.env|setTimeout\(/
  expect(product.filter((file) => isPure(file) && impure.test(textOf(file)))).toEqual([])
})

for (const { title, advice, findings } of checks) test(title, () => expect(findings(), advice).toEqual([]))
