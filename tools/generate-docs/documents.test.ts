import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { isForTests, sourceFiles, textOf } from '../house/sources.ts'
import { exitCodes } from './codes-reference.ts'
import { documents, root, textOfFile } from './documents.ts'
import { slugOf } from './markdown.ts'

const trackedFiles = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
const pages = trackedFiles.filter((path) => path.endsWith('.md') && existsSync(join(root, path)))
const productText = sourceFiles()
  .filter((file) => !isForTests(file) && existsSync(join(root, file)))
  .map(textOf)
  .join('\n')

test.each(Object.keys(documents))('%s is as npm run generate writes it', { timeout: 60_000 }, (path) => {
  expect(textOfFile(path), 'npm run generate').toBe(documents[path]?.())
})

test('every link between pages points to a file, and to a heading of it', () => {
  const broken = pages.flatMap((page) =>
    [...withoutCode(textOfFile(page)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, path = '', anchor]) => !leadsSomewhere(path === '' ? page : normalize(join(dirname(page), path)), anchor))
      .map(([link]) => `${page}: ${link}`),
  )
  expect(broken).toEqual([])
})

test.each(['docs/glossary.md', 'docs/architecture.md', 'docs/security.md', 'docs/platforms.md', 'README.md', 'CONTRIBUTING.md'])(
  'every path that %s names exists',
  (page) => {
    const folders = /^(bench|cells|cli|crds|docs|e2e|examples|helm|operator|testing|tools)\//
    const paths = [...textOfFile(page).matchAll(/`([\w./@-]+)`/g)]
      .map(([, path = '']) => path)
      .filter((path) => folders.test(path))
    expect(paths.length).toBeGreaterThan(0)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  },
)

test('every file of a walk holds what to look for in it, and no walk is longer than four files', () => {
  const walks = textOfFile('docs/architecture.md').split(/^### /m).slice(1)
  expect(walks.length).toBe(4)
  for (const walk of walks) {
    const steps = [...walk.matchAll(/^\d\. `(\S+)` \(`(\w+)`\)/gm)]
    expect(steps.length, walk).toBeGreaterThan(1)
    expect(steps.length, walk).toBeLessThanOrEqual(4)
    expect(steps.filter(([, file = '', symbol = '']) => !textOfFile(file).includes(symbol)).map(([step]) => step)).toEqual([])
  }
})

test('every exit code of the product is explained', () => {
  const literals = productText.matchAll(
    /(?:exit(?:Process)?\(|exitCode = |new UserError\((?:[^()]|\([^()]*\))*?, )(\d+)(?=[,)\s])/g,
  )
  const numbers = [...literals].map(([, number]) => Number(number))
  expect(numbers).toContain(70)
  expect(numbers.filter((number) => !(number in exitCodes))).toEqual([])
})

test('every metric of the product is in the reference', () => {
  const names = [...productText.matchAll(/\.(?:counter|gauge|histogram)\(\s*'(\w+)'/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(50)
  const reference = textOfFile('docs/reference/metrics.md')
  expect(names.filter((name) => !reference.includes(`_${name}\``) && !reference.includes(`\`${name}\``))).toEqual([])
})

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')

function leadsSomewhere(path: string, anchor: string | undefined): boolean {
  if (!existsSync(join(root, path))) return false
  if (anchor === undefined) return true
  const headings = [...textOfFile(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slugOf(heading))
  return headings.includes(anchor)
}
