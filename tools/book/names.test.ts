import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reasonSteps } from '../generate-docs/reason-steps.ts'
import { asksAPerson, givenReasons } from '../generate-docs/reasons-page.ts'
import { root } from '../house/sources.ts'
import { listedByTheirReadme, navigation } from './navigation.ts'
import { bookLink, bookPathOf } from './pages.ts'
import { bookPages, presentPages } from './written-pages.ts'

const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

test('every page is in the navigation once, or in the README of its folder', () => {
  const files = navigation.flatMap(({ entries }) => entries.map(([, file]) => file))
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  expect(files.length).toBe(new Set(files).size)
  const folderOf = (file: string) => listedByTheirReadme.find((folder) => file.startsWith(folder))
  const isListed = (file: string) => {
    const folder = folderOf(file)
    return folder !== undefined && textOf(`${folder}README.md`).includes(`(${file.slice(folder.length)})`)
  }
  const lost = bookPages().filter(({ file }) => file !== 'docs/README.md' && !files.includes(file) && !isListed(file))
  expect(lost.map(({ file }) => `${file}: add it to tools/book/navigation.ts`)).toEqual([])
})

test('a link between files leads to the page of the book, or to a copy of the file', () => {
  expect(bookPathOf('docs/adr/README.md')).toBe('adr/index.md')
  expect(bookPathOf('tools/main.ts')).toBeUndefined()
  expect(bookLink('docs/install.md', '../README.md#tests')).toEqual({ to: 'page', href: '/readme.md#tests' })
  const file = 'examples/city.yaml'
  expect(bookLink('docs/install.md', `../${file}`)).toEqual({ to: 'file', href: `/files/${file}`, file })
  expect(bookLink('README.md', 'LICENSE')).toEqual({ to: 'file', href: '/files/LICENSE.txt', file: 'LICENSE' })
  expect(bookLink('docs/install.md', 'https://example.org')).toEqual({ to: 'outside' })
  expect(() => bookLink('docs/install.md', 'no-such-page.md')).toThrow('no file of the repository')
  expect(() => bookLink('docs/install.md', '../../etc/passwd')).toThrow('no file of the repository')
  expect(() => bookLink('docs/install.md', '../cells')).toThrow('folder')
})

test('every reason of a condition has an entry, and steps where it asks something of a person', () => {
  const page = textOf('docs/troubleshooting/reasons.md')
  expect(givenReasons.length).toBeGreaterThan(100)
  expect(givenReasons.filter(({ reason }) => !page.includes(`## \`${reason}\``) && !page.includes(`| \`${reason}\` |`))).toEqual(
    [],
  )
  const asked = new Set(givenReasons.filter(asksAPerson).map(({ reason }) => reason))
  expect(Object.keys(reasonSteps).sort()).toEqual([...asked].sort())
})

test('every metric that a page names is in the reference', () => {
  const reference = textOf('docs/reference/metrics.md')
  const known = new Set([...reference.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name))
  const recorded = new Set(textOf('helm/files/monitoring/rules.yaml').match(/[\w:]+(?=$)/gm) ?? [])
  // kube-state-metrics makes these of Realms, by its configuration in the chart.
  const ofState = new Set(textOf('helm/files/monitoring/kube-state-metrics.yaml').match(/\w+/g) ?? [])
  const services = /^realm_(operator|connector|archipelago|rooms|gatekeeper|stats|pulse|provider)_\w+[a-z]$/
  const isKnown = (name: string) =>
    known.has(name) || known.has(name.replace(/_(bucket|sum|count)$/, '')) || recorded.has(name) || ofState.has(name)
  const named = presentPages().flatMap(({ file, text }) =>
    [...text.matchAll(/\brealm_[a-z_]+/g)].map(([name]) => ({ file, name })).filter(({ name }) => services.test(name)),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ name }) => !isKnown(name)).map(({ file, name }) => `${file}: ${name}`)).toEqual([])
})
