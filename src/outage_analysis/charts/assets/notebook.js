function caption(place, title, footer) {  // as HTML above the chart, so that it wraps with the page
  var caption = document.createElement('div'), lines = [].concat(title.subtitle);
  caption.className = 'outage-caption';
  [title.text, lines.slice(0, footer), lines.slice(footer)].forEach(function (text, number) {
    var element = document.createElement(number ? 'span' : 'strong');
    element.textContent = [].concat(text).join(' ');
    caption.append(element);
  });
  place.before(caption);
}
function keepKeys(place, what) {  // else JupyterLab would move between cells on arrow keys
  place.querySelectorAll(what).forEach(function (element) {
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
  });
}
function draw(chart) {
  var places = document.querySelectorAll('[data-outage-chart="' + chart[0] + '"]:not([data-drawn])');
  places.forEach(function (place) {
    place.setAttribute('data-drawn', '');
    var spec = Object.assign({}, chart[1]);
    if (spec.title && spec.title.text && spec.title.subtitle) {
      caption(place, spec.title, (spec.usermeta || {}).footer || 1);
      delete spec.title;
    }
    drawChart(place, spec).then(() => keepKeys(place, 'select, input'));
  });
}
function activate(data) {
  var places = document.querySelectorAll('[data-outage-what-if="' + data[0] + '"]:not([data-live])');
  places.forEach(function (place) {
    keepKeys(place, '[type=range], button');
    whatIf(place, data[1]);
  });
}
function serve(name, go) {
  var waiting = Array.isArray(window[name]) ? window[name] : [];
  window[name] = {push: go};
  waiting.forEach(go);
}
serve('outageCharts', draw);
serve('outageWhatIfs', activate);
