// Draws the charts and starts the sliders of a notebook. Their outputs put the data into queues, before or after this.
function keepKeys(place, selector) {  // else JupyterLab would move between cells on arrow keys
  for (const element of place.querySelectorAll(selector)) element.setAttribute('data-lm-suppress-shortcuts', 'true');
}

// Title and subtitle as HTML above the chart, so that they wrap with the page.
function caption(title, footer) {
  const caption = document.createElement('div'), lines = [title.subtitle].flat();
  caption.className = 'outage-caption';
  [title.text, lines.slice(0, footer), lines.slice(footer)].forEach((text, number) => {
    const element = document.createElement(number ? 'span' : 'strong');
    element.textContent = [text].flat().join(' ');
    caption.append(element);
  });
  return caption;
}

function draw(place, {title, ...spec}) {
  const isOwn = title?.text && title.subtitle;
  if (isOwn) place.before(caption(title, spec.usermeta?.footer ?? 1));
  drawChart(place, isOwn ? spec : {title, ...spec}).then(() => keepKeys(place, 'select, input'));
}

function activate(place, data) {
  keepKeys(place, '[type=range], button');
  whatIf(place, data);
}

function serve(queue, attribute, fill) {
  const waiting = Array.isArray(window[queue]) ? window[queue] : [];
  function push([key, data]) {
    for (const place of document.querySelectorAll(`[${attribute}="${key}"]:not([data-live])`)) {
      place.dataset.live = '';
      fill(place, data);
    }
  }
  window[queue] = {push};
  waiting.forEach(push);
}
serve('outageCharts', 'data-outage-chart', draw);
serve('outageWhatIfs', 'data-outage-what-if', activate);
