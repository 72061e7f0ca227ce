import { onContentUpdated, type Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import { defineComponent, h } from 'vue';
import './style.css';

const notFound = () =>
  h('main', { class: 'not-found' }, [
    h('h1', 'Page not found'),
    h('p', ['It may have another name now. Search for it, or go to the ', h('a', { href: '/' }, 'first page'), '.']),
  ]);

// The default theme has a main landmark only on ordinary pages.
const Layout = defineComponent(() => {
  onContentUpdated(() => {
    const content = document.getElementById('VPContent');
    if (content?.classList.contains('is-home')) content.setAttribute('role', 'main');
    else content?.removeAttribute('role');
  });
  return () => h(DefaultTheme.Layout, null, { 'not-found': notFound });
});

export default { extends: DefaultTheme, Layout } satisfies Theme;
