import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { freshFolder } from '../testing/fresh-folder.ts'
import { startProgram } from '../testing/program.ts'
import { commandsOf, settings } from '../testing/readme.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const shell = promisify(execFile)
const text = (file: string) => readFileSync(join(root, file), 'utf8')

test('every block of commands declares where it is typed, which selects the test that runs it', () => {
  expect(new Set(settings())).toEqual(new Set(['laptop', 'cluster', 'kubernetes', 'tests']))
})

test('the commands of the README for a local machine work, in their order', { timeout: 120_000 }, async () => {
  const [install, start, ...questions] = commandsOf('laptop')
  // `npm ci` here would delete the packages that this test runs from; `.ci/run` begins with it.
  expect(install).toBe('npm ci')
  expect(text('.ci/run')).toContain('npm ci')
  expect(start).toBe('npm start')
  await using realm = startProgram('npm', ['start', '--', '--port', '0', '--data', freshFolder()], {
    cwd: root,
  })
  const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/)
  expect(questions.length).toBeGreaterThan(0)
  for (const question of questions) {
    const [command = '', ...args] = question.replaceAll('http://127.0.0.1:3000', url).split(' ')
    const { stdout } = await shell(command, [...args, '--fail'])
    expect(JSON.parse(stdout)).toBeTruthy()
  }
})

test('the commands for contributors are scripts of the package', () => {
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
  expect(commandsOf('tests')).toEqual(['npm test', 'npm run bench'])
  expect(commandsOf('cluster')).toEqual(['npm run cluster'])
  for (const script of ['test', 'bench', 'cluster']) {
    const [, file = ''] = scripts[script]?.split(' ') ?? []
    expect(existsSync(join(root, file)), `${script} runs ${file}`).toBe(true)
  }
})

test('npm run bench prints figures, and what to compare them by', { timeout: 180_000 }, async () => {
  // Only one of them, because all together take minutes.
  const { stdout } = await shell('npm', ['run', 'bench', '--', 'realm-provider'], { cwd: root })
  expect(stdout).toMatch(/calibration \d+ ms/)
  expect(stdout).toMatch(/\| \/about, an empty world \| [\d,]+ requests\/s/)
})

test('every folder and file that the README links to exists', () => {
  const named = [...text('README.md').matchAll(/`((?:crds|operator|cells|cli|helm|e2e|bench|examples|docs)\/[\w./-]*)`/g)].map(
    ([, path = '']) => path,
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})
