// Draws a chart in its place, in a report and in a notebook, and returns its view.
const NARROW = 660;  // pixels that charts side by side need; on a phone they stand in one column
const tooltip = {disableDefaultStyle: true};
const OPTIONS = {ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip};

async function drawChart(place, spec) {
  // A chart takes the width of its place, which a notebook may show later.
  if (!place.clientWidth) await new Promise(resolve => {
    new ResizeObserver(() => place.clientWidth && resolve()).observe(place);
  });
  const [heading, views] = spec.vconcat ?? [], narrow = place.clientWidth < NARROW;
  const column = views?.columns && narrow && {vconcat: [heading, {...views, columns: 1}]};
  const {view} = await window.vegaEmbed(place, {...spec, ...column}, OPTIONS);
  const lists = views && place.querySelector('.vega-bindings');
  lists?.append(...[...lists.children].reverse());  // Vega writes the list of the last chart first
  return view;
}
