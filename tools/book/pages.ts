import { existsSync, statSync } from 'node:fs'
import { dirname, extname, join, normalize, relative } from 'node:path'
import { root } from '../house/sources.ts'

/** Markdown files outside of docs/ that are pages of the book, and where. */
const further: Readonly<Record<string, string>> = {
  'README.md': 'readme.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
  'SECURITY.md': 'reporting.md',
  'examples/README.md': 'examples/index.md',
  'helm/README.md': 'chart.md',
}

/** What VitePress takes for pages: these files and no others of the repository. */
export const pagePatterns: readonly string[] = ['docs/**/*.md', ...Object.keys(further)]

/** The path within the book of a Markdown file of the repository; nothing where it is no page. */
export function bookPathOf(file: string): string | undefined {
  if (file in further) return further[file]
  if (!file.startsWith('docs/') || !file.endsWith('.md')) return undefined
  return file.slice('docs/'.length).replace(/(^|\/)README\.md$/, '$1index.md')
}

/** Where a link of a page leads in the book. */
export type BookLink = { to: 'page'; href: string } | { to: 'file'; href: string; file: string } | { to: 'outside' }

/**
 * Translates a link between files of the repository, as GitHub follows it, into one of the book: to the page, or to a copy of the file
 * for what is no page, such as a manifest.
 *
 * @throws where there is no such file, or the book cannot show it
 */
export function bookLink(page: string, href: string): BookLink {
  if (/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(href)) return { to: 'outside' }
  const [path = '', anchor] = href.split('#')
  const target = normalize(join(dirname(page), decodeURI(path)))
  const full = join(root, target)
  if (target.startsWith('..') || !existsSync(full))
    throw new Error(`${page} links to ${href}, which is no file of the repository`)
  if (!statSync(full).isFile()) throw new Error(`${page} links to the folder ${href}: write its path as code, or link to a file`)
  const bookPath = bookPathOf(target)
  const hash = anchor === undefined ? '' : `#${anchor}`
  if (bookPath) return { to: 'page', href: `/${bookPath}${hash}` }
  // A path without an ending would be taken for a page.
  return { to: 'file', href: `/files/${target}${extname(target) === '' ? '.txt' : ''}`, file: target }
}

/** The path of a file relative to the root of the repository, in the notation of URLs. */
export const repositoryPath = (file: string): string => relative(root, file).replaceAll('\\', '/')
