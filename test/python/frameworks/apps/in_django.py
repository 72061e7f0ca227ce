import hashlib
import json

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from ticks import ticks

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="test",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()


@require_safe
def hello(request):
    template = engines["django"].from_string("<p>Hello, {{ name }}!</p>")
    return HttpResponse(template.render({"name": request.GET["name"]}, request))


@require_POST
def form(request):
    return HttpResponse(f"name={request.POST['name']}", content_type="text/plain; charset=utf-8")


@require_POST
def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse(
        {"note": request.POST["note"], "filename": file.name, "bytes": file.size, "sha256": digest.hexdigest()}
    )


@require_POST
def add(request):
    return JsonResponse({"sum": sum(json.loads(request.body)["numbers"])})


@require_safe
def named(request, name):
    return HttpResponse(name, content_type="text/plain; charset=utf-8")


@require_POST
def login(request):
    request.session["user"] = request.POST["user"]
    return redirect("me")


@require_safe
def me(request):
    return HttpResponse(request.session.get("user", "nobody"), content_type="text/plain; charset=utf-8")


@require_safe
def stream(request):
    return StreamingHttpResponse(ticks(int(request.GET.get("count", 0))), content_type="text/plain")


def boom(request):
    raise ValueError("boom")


urlpatterns = [
    path("hello", hello),
    path("form", form),
    path("upload", upload),
    path("json", add),
    path("path/<name>", named),
    path("login", login),
    path("me", me, name="me"),
    path("stream", stream),
    path("boom", boom),
]

application = get_wsgi_application()
