const dark = matchMedia('(prefers-color-scheme: dark)'), drawn = new Map();
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const read = script => JSON.parse(script.textContent);

// The colours of a chart on a dark page; colours in data stay, as their text has a colour too.
function inPalette({datasets, ...spec}) {
  const palette = dark.matches ? read(all('#dark-palette')[0]) : {};
  const coloured = (key, value) => typeof value === 'string' ? palette[value] ?? value : value;
  return {...JSON.parse(JSON.stringify(spec), coloured), datasets};
}

function showAll() {
  const specs = Object.assign({}, ...all('script.charts').map(read));
  all('[data-chart]').forEach(async place => {
    const spec = specs[place.dataset.chart];
    if (!spec) return;
    const view = await drawChart(place, inPalette(spec));
    drawn.set(place, spec);
    if (spec.datasets?.dots) follow?.(place, view, spec.usermeta);  // it follows the sliders
  });
}

// The table below a chart, or else the first of its section, as CSV.
function figures(figure) {
  const table = figure.querySelector('table') ?? figure.parentNode.querySelector('table');
  const quoted = cell => {  // a spreadsheet would run such a text as a formula
    const text = cell.textContent.trim().replace(/^(?=[=+@]|-(?![\d.,]+$))/, "'");
    return `"${text.replaceAll('"', '""')}"`;
  };
  return ['\ufeff', ...[...table.rows].map(row => [...row.cells].map(quoted) + '\r\n')].join('');
}

// A chart of the report as a file with its title and its sources, or its figures.
async function save({target}) {
  const button = target.closest('.save button'), figure = button?.closest('figure');
  const place = figure?.querySelector('.chart'), spec = drawn.get(place);
  if (!spec) return;
  const file = (text, type) => URL.createObjectURL(new Blob([text], {type}));
  const whole = {...spec, title: spec.usermeta.title, ...spec.width && {width: 760}};
  const {view} = await window.vegaEmbed(document.createElement('div'), whole, OPTIONS);
  const link = document.createElement('a'), kind = button.value;
  link.download = `${place.dataset.chart}.${kind}`;
  link.href = kind === 'csv' ? file(figures(figure), 'text/csv')
    : kind === 'svg' ? file(await view.toSVG(), 'image/svg+xml') : await view.toImageURL('png', 2);
  link.click();
}

// Shows the rows of a long table that contain the words of a search.
function searchable(field) {
  const rows = all('tbody tr', field.closest('label').nextElementSibling);
  const lower = row => row.textContent.toLowerCase();
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every(word => lower(row).includes(word));
  });
}

// A link to an appendix, or to a fact in it, opens the appendix.
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const place of all('details')) place.open ||= place.contains(target);
  if (target?.closest('details')) target.scrollIntoView();
}

const [data, root, box] = ['#what-if-data', '.what-if', '.box'].map(name => all(name)[0]);
const follow = data && whatIf(root, read(data), box);
all('.search input').forEach(searchable);
window.addEventListener('hashchange', open);
open();
// On a phone the list of contents starts closed.
if (matchMedia('(max-width: 1339px)').matches) document.querySelector('nav details').open = false;
document.addEventListener('click', save);
dark.addEventListener('change', showAll);
// Charts are laid out by the widths of their texts, so their font comes first.
const weights = ['400', '700'].map(weight => document.fonts.load(`${weight} 12px "Outage Sans"`));
Promise.allSettled(weights).then(showAll);
