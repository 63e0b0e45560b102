const KEY = 'console-theme'
const ORDER = ['system', 'light', 'dark']
const NAMES = { system: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' }
const isDarkOutside = matchMedia('(prefers-color-scheme: dark)')

const chosen = () => (ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'system')

/** Applies the theme, and again whenever it changes outside. */
export function startTheme(button, onChange) {
  const apply = () => {
    const theme = chosen()
    document.documentElement.dataset.theme = theme === 'system' ? (isDarkOutside.matches ? 'dark' : 'light') : theme
    button.textContent = NAMES[theme]
    onChange()
  }
  isDarkOutside.addEventListener('change', apply)
  apply()
  return () => {
    localStorage.setItem(KEY, ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length])
    apply()
  }
}
