import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DefaultTheme, UserConfig } from 'vitepress'
import { slugOf } from '../generate-docs/markdown.ts'
import { root } from '../house/sources.ts'
import { navigation } from './navigation.ts'
import { bookLink, bookPathOf, repositoryPath } from './pages.ts'

/** Path at which the book is served, with a slash at both ends. */
const base = process.env.BOOK_BASE || '/'

/** Folders of the repository with pages; VitePress looks into no other one. */
const foldersWithPages = ['docs', 'examples', 'helm']

/** Files that are no pages and that a page links to, such as manifests, by the path to which they are copied. */
const linkedFiles = new Map<string, string>()

const sidebar: DefaultTheme.SidebarItem[] = navigation.map(({ title, entries }) => ({
  text: title,
  items: entries.map(([text, file]) => ({ text, link: linkOf(file) })),
}))

/** The book that `npm run book` makes of the pages of this repository. It asks no other host for anything. */
export const bookConfig: UserConfig<DefaultTheme.Config> = {
  title: 'realm-operator',
  description: 'Runs the communications of Decentraland-compatible realms on Kubernetes, and the same realm on a laptop',
  lang: 'en',
  base,
  srcDir: root,
  srcExclude: readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !foldersWithPages.includes(entry.name))
    .map(({ name }) => `${name}/**`),
  outDir: join(root, 'dist-book'),
  rewrites: (file) => bookPathOf(file) ?? file,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}mark.svg` }]],
  // A file that a page links to is copied when the pages are written, later than VitePress looks for it.
  ignoreDeadLinks: [/^\/files\//],
  // The pages of the product are no entries of the book.
  vite: { build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4_000 }, optimizeDeps: { entries: [] } },
  markdown: {
    anchor: { slugify: slugOf },
    config: (markdown) => {
      const shown = markdown.renderer.rules.link_open
      markdown.renderer.rules.link_open = (tokens, index, options, env: { path: string; realPath?: string }, self) => {
        const token = tokens[index]
        const href = token?.attrGet('href')
        if (token && href) token.attrSet('href', inBook(repositoryPath(env.realPath ?? env.path), href))
        return shown ? shown(tokens, index, options, env, self) : self.renderToken(tokens, index, options)
      }
    },
  },
  themeConfig: {
    siteTitle: 'realm-operator',
    nav: [
      { text: 'Start', link: linkOf('docs/quickstarts/laptop.md') },
      { text: 'Troubleshooting', link: linkOf('docs/troubleshooting/symptoms.md') },
      { text: 'Reference', link: linkOf('docs/reference/api.md') },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
  },
  buildEnd: ({ outDir }) => {
    writeFileSync(join(outDir, 'mark.svg'), MARK)
    for (const [path, file] of linkedFiles) {
      mkdirSync(dirname(join(outDir, path)), { recursive: true })
      copyFileSync(join(root, file), join(outDir, path))
    }
  },
}

/** Three islands: the sign of the book in the tab of a browser. */
const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="#3b7dd8"><circle cx="11" cy="12" r="8"/><circle cx="24" cy="10" r="4"/><circle cx="21" cy="24" r="6"/></g></svg>'

/** The link of a page in the navigation. */
function linkOf(file: string): string {
  const path = bookPathOf(file)
  if (!path) throw new Error(`${file} is in the navigation and no page of the book`)
  return `/${path.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`
}

function inBook(page: string, href: string): string {
  const link = bookLink(page, href)
  if (link.to === 'outside') return href
  if (link.to === 'file') linkedFiles.set(link.href, link.file)
  return link.href
}
